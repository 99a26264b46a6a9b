"""Turn raw flights into the features and the label that model.py learns from, the same in training and in serving.

Left out although known in advance: the calendar day, its weekday and time_hour. A storm delays a whole day's flights, so
whatever tells which day it is lets a random split look up the answer (measured in model.toml's defects).
"""

import tensorflow as tf
import tensorflow_transform as tft

LABEL = "late"
LATE_MINUTES = 15
WORDS = ("carrier", "origin", "dest", "tailnum")
RARE = 50  # a word seen less often shares the bucket of unknown words, so that this bucket is trained too
TIMES = ("sched_dep_time", "sched_arr_time")  # local, as hours and minutes: 1345 is a quarter to two
SLOT_MINUTES = 30
DAY_MINUTES = 24 * 60
NUMBERS = {  # column -> upper edges of its categories; missing is a category of its own
    "month": list(range(2, 14)),
    "distance": list(range(100, 3000, 100)),
}


def preprocessing_fn(inputs):
    """Dense features of shape [batch]: float32 to be used as they are, int64 with an int_domain to be embedded; and the label, int64 0 or 1.

    No feature keeps its column's name: the Evaluator would cut its slices by the transformed value instead of the raw one.
    """
    outputs = {LABEL: tf.cast(_dense(inputs["arr_delay"], 0) > LATE_MINUTES, tf.int64)}
    route = _dense(inputs["carrier"], "")
    flight = tf.strings.join([route, tf.strings.as_string(_dense(inputs["flight"], -1))])
    words = {name: _dense(inputs[name], "missing") for name in WORDS} | {"flight": flight}
    for name, word in words.items():
        outputs[f"{name}_id"] = tft.compute_and_apply_vocabulary(word, frequency_threshold=RARE, num_oov_buckets=1, vocab_filename=name)
    for name, edges in NUMBERS.items():
        outputs[f"{name}_id"] = tft.apply_buckets(_dense(inputs[name], -1), [[0, *edges]])
    for name in TIMES:
        clock = _dense(inputs[name], -1)
        minute = tf.where(clock < 0, clock, clock // 100 * 60 + clock % 100)
        outputs[f"{name}_slot"] = tft.apply_buckets(minute, [list(range(0, DAY_MINUTES + 1, SLOT_MINUTES))])
        outputs[f"{name}_share"] = tf.cast(tf.maximum(minute, 0), tf.float32) / DAY_MINUTES
    return outputs


def _dense(column, default):
    """A column of at most one value a row, as a tensor of shape [batch] with `default` where there is none."""
    one_wide = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.squeeze(tf.sparse.to_dense(one_wide, default), axis=1)
