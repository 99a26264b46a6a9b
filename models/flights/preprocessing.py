"""Turn raw flights into the features and the label that model.py learns from.

They are the same in training and in serving. Of the calendar day only its weekday is used, and
time_hour not at all: a storm delays a whole day's flights, so whatever tells which day it is lets a
random split look up the answer. Flight and tail number added nothing on held-out rows.
"""

import tensorflow as tf
import tensorflow_transform as tft

LABEL = "late"
LATE_MINUTES = 15
WORDS = ("carrier", "origin", "dest")
# A word seen less often shares the bucket of unknown words, so that this bucket is trained too.
RARE = 50
MILES = list(range(0, 3001, 100))  # lower edges of the categories of distance
MONTHS = list(range(1, 14))  # a month, weekday or time that is missing is a category of its own
WEEKDAYS = list(range(8))
SLOTS = list(range(0, 24 * 60 + 1, 30))
MONTH_SHIFTS = [0, 3, 2, 5, 0, 3, 5, 1, 4, 6, 2, 4]  # Sakamoto's algorithm for the day of the week


def preprocessing_fn(inputs):
    """Dense features of shape [batch], and the label, int64 0 or 1.

    A float32 feature is to be used as it is, an int64 feature with an int_domain to be embedded. No
    feature keeps its column's name: the Evaluator would cut its slices by the transformed value
    instead of the raw one.
    """
    late = _dense(inputs["arr_delay"], 0) > LATE_MINUTES
    outputs = {LABEL: tf.cast(late, tf.int64)}
    for name in WORDS:
        word = _dense(inputs[name], "missing")
        outputs[f"{name}_id"] = tft.compute_and_apply_vocabulary(
            word, frequency_threshold=RARE, num_oov_buckets=1, vocab_filename=name
        )
    year, month, day = (_dense(inputs[name], 0) for name in ("year", "month", "day"))
    outputs["month_id"] = tft.apply_buckets(month, [MONTHS])
    weekday = _weekday(year, month, day)
    outputs["weekday_id"] = tft.apply_buckets(weekday, [WEEKDAYS])
    for name in ("sched_dep_time", "sched_arr_time"):
        clock = _dense(inputs[name], -1)
        minute = _minute_of_day(clock)
        outputs[f"{name}_slot"] = tft.apply_buckets(minute, [SLOTS])
        share = tf.cast(minute, tf.float32) / SLOTS[-1]
        outputs[f"{name}_share"] = tf.where(minute < 0, 0.5, share)  # missing: noon
    distance = _dense(inputs["distance"], -1)
    outputs["distance_step"] = tft.apply_buckets(distance, [MILES])
    log = _scaled_log(tf.cast(inputs["distance"], tf.float32))
    outputs["distance_log"] = _dense(log, 0)  # missing: the mean
    return outputs


def _weekday(year, month, day):
    """0 for Sunday to 6 for Saturday.

    -1 where a part of the date is missing or there is no such month.
    """
    shifts = tf.constant(MONTH_SHIFTS, tf.int64)
    month_index = tf.clip_by_value(month, 1, 12) - 1
    shift = tf.gather(shifts, month_index)
    march_year = year - tf.cast(month < 3, tf.int64)  # a leap day is at its end
    leap_days = march_year // 4 - march_year // 100 + march_year // 400
    weekday = (march_year + leap_days + shift + day) % 7
    valid_month = (month >= 1) & (month <= 12)
    valid = (year > 0) & valid_month & (day > 0)
    return tf.where(valid, weekday, -tf.ones_like(weekday))


def _minute_of_day(clock):
    """Minutes since midnight of a time like 1345, a quarter to two; -1 stays -1."""
    minute = clock // 100 * 60 + clock % 100
    return tf.where(clock < 0, clock, minute)


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
