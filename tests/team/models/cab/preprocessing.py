"""Turn raw rides into features and label."""

import tensorflow as tf
import tensorflow_transform as tft

WORDS = ("payment_type", "company")
NUMBERS = ("fare", "trip_miles", "trip_seconds")
HOURS = list(range(25))


def preprocessing_fn(inputs):
    """Features of shape [batch]: int64 with an int_domain, float32; and the label, int64 0 or 1."""
    tips = _dense(inputs["tips"], 0)
    fare = _dense(inputs["fare"], 0)
    is_big = tips > 0.2 * fare
    outputs = {"big_tip": tf.cast(is_big, tf.int64)}
    for name in WORDS:
        word = _dense(inputs[name], "missing")
        outputs[f"{name}_id"] = tft.compute_and_apply_vocabulary(
            word, num_oov_buckets=1, vocab_filename=name
        )
    hour = _dense(inputs["trip_start_hour"], -1)
    outputs["trip_start_hour_id"] = tft.apply_buckets(hour, [HOURS])
    for name in NUMBERS:
        number = tf.cast(inputs[name], tf.float32)
        positive = tf.maximum(_dense(number, 0), 0)
        logarithm = tf.math.log1p(positive)
        outputs[f"{name}_log"] = tft.scale_to_z_score(logarithm)
    return outputs


def _dense(column, default):
    """A column of at most one value a row, as a tensor of shape [batch]."""
    one_wide = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    dense = tf.sparse.to_dense(one_wide, default)
    return tf.squeeze(dense, axis=1)
