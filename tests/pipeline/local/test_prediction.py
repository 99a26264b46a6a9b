"""What `predict` makes of BulkInferrer's results."""

import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from pipeline.local import prediction


def write_answer(folder, row, number):
    """Write a row and a model's answer to it, as BulkInferrer does."""
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.inputs["examples"].string_val.append(row)
    tensor = tf.make_tensor_proto([[number]])
    log.predict_log.response.outputs["score"].CopyFrom(tensor)
    options = tf.io.TFRecordOptions(compression_type="GZIP")
    with tf.io.TFRecordWriter(f"{folder}/rows.gz", options) as writer:
        writer.write(log.SerializeToString())


def test_an_answer_that_is_no_number_is_missing(tmp_path):
    row = tf.train.Example().SerializeToString()
    write_answer(tmp_path, row, float("nan"))

    answers = prediction.answers_in(str(tmp_path))

    assert answers == {row: {"score": None}}
