"""Turn raw taxi trips into the features and the label that model.py learns from, the same in training and in serving."""

import tensorflow as tf
import tensorflow_transform as tft

LABEL = "big_tip"
WORDS = ("payment_type", "company")
RARE = 10  # a word seen less often shares the bucket of unknown words, so that this bucket is trained too
CODES = {  # column -> its lowest and highest code; anything below, or missing, is a category of its own, and so is anything above
    "trip_start_month": (1, 12),
    "trip_start_day": (1, 7),
    "trip_start_hour": (0, 23),
    "pickup_community_area": (1, 77),
    "dropoff_community_area": (1, 77),
}
# Most tips are whole dollars, so whether one is over a fifth of the fare jumps at every fifth dollar: hence narrow steps beside the smooth value.
STEPS = {  # column -> width and number of its steps
    "fare": (0.5, 120),
    "trip_miles": (0.5, 50),
    "trip_seconds": (60, 60),
}


def preprocessing_fn(inputs):
    """Dense features of shape [batch]: float32 to be used as they are, int64 with an int_domain to be embedded; and the label, int64 0 or 1.

    No feature keeps its column's name: the Evaluator would cut its slices by the transformed value instead of the raw one.
    """
    outputs = {LABEL: _big_tip(_dense(inputs["tips"], 0), _dense(inputs["fare"], 0))}
    for name in WORDS:
        word = _dense(inputs[name], "missing")
        outputs[f"{name}_id"] = tft.compute_and_apply_vocabulary(
            word, frequency_threshold=RARE, num_oov_buckets=1, vocab_filename=name
        )
    for name, (lowest, highest) in CODES.items():
        outputs[f"{name}_id"] = tft.apply_buckets(
            _dense(inputs[name], lowest - 1), [list(range(lowest, highest + 2))]
        )
    for name, (width, count) in STEPS.items():
        value = tf.cast(inputs[name], tf.float32)
        steps = [float(width * step) for step in range(count + 1)]
        outputs[f"{name}_step"] = tft.apply_buckets(
            _dense(value, -1), [steps]
        )  # missing: step 0, one below that of nought
        outputs[f"{name}_log"] = _dense(_scaled_log(value), 0)  # missing: the mean
    return outputs


def _big_tip(tips, fare):
    """1 where tips > 0.2 * fare. In whole cents, because a tip of exactly a fifth would be decided by float32's rounding."""
    tip_cents, fare_cents = tf.round(tips * 100), tf.round(fare * 100)
    return tf.cast((fare_cents > 0) & (tip_cents * 5 > fare_cents), tf.int64)


def _scaled_log(column):
    logs = tf.math.log1p(tf.maximum(column.values, 0))
    return tft.scale_to_z_score(tf.SparseTensor(column.indices, logs, column.dense_shape))


def _dense(column, default):
    """A column of at most one value a row, as a tensor of shape [batch] with `default` where there is none."""
    one_wide = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.squeeze(tf.sparse.to_dense(one_wide, default), axis=1)
