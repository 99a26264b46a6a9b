"""A session answers as TensorFlow's own restored function does, and needs less of TensorFlow."""

import json
import subprocess
import sys

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.serving import session
from pipeline.serving.engine import Engine
from pipeline.serving.examples import LARGEST_INT64, SMALLEST_INT64

# Its answer is read from a process that imports nothing but the engine.
ALONE = """
import json, sys
from pipeline.serving import session
session.import_no_more()
from pipeline.serving.engine import Engine
engine = Engine(sys.argv[1])
print(json.dumps([engine.predict([engine.sample]), "keras" in sys.modules]))
"""
# 0.0 ends a record with bytes of 0, which numpy's own strings drop.
ENDS_IN_ZEROS = st.sampled_from([0.0, 1.0, 12.5])
FARES = st.floats(0, 1000, width=32)
OPTIONAL = {
    "payment_type": st.sampled_from(["Cash", "Credit Card", "ä\x00"]),
    "trip_start_hour": st.integers(SMALLEST_INT64, LARGEST_INT64),
    "fare": st.one_of(ENDS_IN_ZEROS, FARES),
}
INSTANCES = st.fixed_dictionaries({}, optional=OPTIONAL)


@pytest.fixture(scope="module")
def engine(trained):
    return Engine(trained.model)


@pytest.fixture(scope="module")
def restored(trained):
    """The model as TF2 restores it."""
    return tf.saved_model.load(str(trained.model))


@pytest.mark.parametrize("name", ["serving_default", "transform_features"])
@settings(max_examples=50)
@given(instances=st.lists(INSTANCES, min_size=1, max_size=9))
def test_a_signature_answers_as_the_restored_function_does(engine, restored, name, instances):
    records = engine.encode(instances)
    expected_outputs = restored.signatures[name](examples=tf.constant(records))

    outputs = engine.signatures[name](records)

    assert set(outputs) == set(expected_outputs)
    for output, tensor in expected_outputs.items():
        assert outputs[output] == pytest.approx(tensor.numpy(), rel=1e-6, abs=1e-6)


def test_a_program_that_only_serves_does_not_import_keras(engine, trained):
    scores = engine.predict([engine.sample])

    process = subprocess.run(
        [sys.executable, "-c", ALONE, str(trained.model)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )

    answers, keras_is_imported = json.loads(process.stdout)
    assert answers == pytest.approx(scores, abs=1e-6)
    assert not keras_is_imported


def test_a_signature_of_other_inputs_is_refused_by_name(tmp_path):
    module = tf.Module()

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="fare")])
    def tip(fare):
        return {"tip": fare / 5}

    tf.saved_model.save(module, str(tmp_path), signatures={"tip": tip})

    with pytest.raises(
        ConfigurationError, match="the signature tip takes fare, allowed is examples alone"
    ):
        session.load(str(tmp_path))
