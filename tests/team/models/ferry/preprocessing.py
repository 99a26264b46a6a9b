"""Turn raw crossings into features and label."""

import tensorflow as tf
import tensorflow_transform as tft


def preprocessing_fn(inputs):
    """Features of shape [batch]: float32; and the label, int64 0 or 1."""
    month = _dense(inputs["month"], 0)
    hour = _dense(inputs["dep_time"], 0)
    harbour = _dense(inputs["harbour"], "")
    delay = _dense(inputs["delay"], 0)

    is_winter = (month <= 2) | (month >= 11)
    leaving = tft.scale_to_z_score(tf.cast(hour, tf.float32))
    winter = tf.cast(is_winter, tf.float32)
    north = tf.cast(harbour == "NORTH", tf.float32)
    late = tf.cast(delay > 15, tf.int64)
    return {"winter": winter, "leaving": leaving, "north": north, "late": late}


def _dense(column, default):
    """A column of at most one value a row, as a tensor of shape [batch]."""
    one_wide = tf.SparseTensor(column.indices, column.values, [column.dense_shape[0], 1])
    dense = tf.sparse.to_dense(one_wide, default)
    return tf.squeeze(dense, axis=1)
