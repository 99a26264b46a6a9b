"""Turn raw taxi trips into the features and the label that model.py learns from.

They are the same in training and in serving.
"""

import tensorflow as tf
import tensorflow_transform as tft

LABEL = "big_tip"
WORDS = ("payment_type", "company")
# A word seen less often shares the bucket of unknown words, so that this bucket is trained too.
RARE = 10
# Column -> its lowest and highest code. Anything below, or missing, is a category of its own, and
# so is anything above.
CODES = {
    "trip_start_month": (1, 12),
    "trip_start_day": (1, 7),
    "trip_start_hour": (0, 23),
    "pickup_community_area": (1, 77),
    "dropoff_community_area": (1, 77),
}
# Most tips are whole dollars, so whether one is over a fifth of the fare jumps at every fifth
# dollar: hence narrow steps beside the smooth value.
STEPS = {  # column -> width and number of its steps
    "fare": (0.5, 120),
    "trip_miles": (0.5, 50),
    "trip_seconds": (60, 60),
}


def preprocessing_fn(inputs):
    """Dense features of shape [batch], and the label, int64 0 or 1.

    A float32 feature is to be used as it is, an int64 feature with an int_domain to be embedded. No
    feature keeps its column's name: the Evaluator would cut its slices by the transformed value
    instead of the raw one.
    """
    tips = _dense(inputs["tips"], 0)
    fare = _dense(inputs["fare"], 0)
    outputs = {LABEL: _big_tip(tips, fare)}
    for name in WORDS:
        word = _dense(inputs[name], "missing")
        outputs[f"{name}_id"] = tft.compute_and_apply_vocabulary(
            word, frequency_threshold=RARE, num_oov_buckets=1, vocab_filename=name
        )
    for name, (lowest, highest) in CODES.items():
        code = _dense(inputs[name], lowest - 1)
        edges = list(range(lowest, highest + 2))
        outputs[f"{name}_id"] = tft.apply_buckets(code, [edges])
    for name, (width, count) in STEPS.items():
        value = tf.cast(inputs[name], tf.float32)
        edges = [float(width * step) for step in range(count + 1)]
        number = _dense(value, -1)  # missing: step 0, one below that of nought
        outputs[f"{name}_step"] = tft.apply_buckets(number, [edges])
        log = _scaled_log(value)
        outputs[f"{name}_log"] = _dense(log, 0)  # missing: the mean
    return outputs


def _big_tip(tips, fare):
    """1 where tips > 0.2 * fare.

    In whole cents, because float32's rounding would decide on a tip of exactly a fifth.
    """
    tip_cents = tf.round(tips * 100)
    fare_cents = tf.round(fare * 100)
    big = (fare_cents > 0) & (tip_cents * 5 > fare_cents)
    return tf.cast(big, tf.int64)


def _scaled_log(column):
    positive_values = tf.maximum(column.values, 0)
    logs = tf.math.log1p(positive_values)
    sparse_logs = tf.SparseTensor(column.indices, logs, column.dense_shape)
    return tft.scale_to_z_score(sparse_logs)


def _dense(column, default):
    """A column of at most one value a row, as a tensor of shape [batch].

    It holds `default` where there is no value.
    """
    shape = [column.dense_shape[0], 1]
    one_wide = tf.SparseTensor(column.indices, column.values, shape)
    dense = tf.sparse.to_dense(one_wide, default)
    return tf.squeeze(dense, axis=1)
