"""Turn raw crossings into features and label."""

import tensorflow as tf
import tensorflow_transform as tft


def preprocessing_fn(inputs):
    """Features of shape [batch]: float32; and the label, int64 0 or 1."""
    month = tf.cast(_dense(inputs["month"], 0), tf.float32)
    winter = tf.cast((month <= 2) | (month >= 11), tf.float32)
    hour = tft.scale_to_z_score(tf.cast(_dense(inputs["dep_time"], 0), tf.float32))
    north = tf.cast(_dense(inputs["harbour"], "") == "NORTH", tf.float32)
    late = tf.cast(_dense(inputs["delay"], 0) > 15, tf.int64)
    return {"winter": winter, "leaving": hour, "north": north, "late": late}


def _dense(column, default):
    """A column of at most one value a row, as a tensor of shape [batch]."""
    one_wide = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    return tf.squeeze(tf.sparse.to_dense(one_wide, default), axis=1)
