"""Records are the tf.Examples that protobuf would write of the same instance."""

import math

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.serving.examples import (
    KEPT_ENTRIES,
    LARGEST_FLOAT,
    LARGEST_INT64,
    SMALLEST_INT64,
    Encoder,
    InstanceError,
)

EXACT_IN_FLOAT64 = 2**52
LONG_NAME = "n" * 200
TYPES = {"count": "INT", "fare": "FLOAT", "company": "BYTES", "größe": "INT", LONG_NAME: "BYTES"}
NUMBERS = st.integers(SMALLEST_INT64, LARGEST_INT64)
WHOLE_FLOATS = st.integers(-EXACT_IN_FLOAT64, EXACT_IN_FLOAT64).map(float)
FLOATS = st.floats(-LARGEST_FLOAT, LARGEST_FLOAT)
# Around the sizes from which a length takes one byte more.
LONG_TEXTS = st.integers(120, 130).map("x".__mul__)
LONGER_TEXTS = st.integers(16_376, 16_386).map("x".__mul__)
VALUES = {
    "INT": st.one_of(st.none(), NUMBERS, WHOLE_FLOATS),
    "FLOAT": st.one_of(st.none(), FLOATS, NUMBERS),
    "BYTES": st.one_of(st.none(), st.text(), LONG_TEXTS, LONGER_TEXTS),
}
OPTIONAL = {name: VALUES[kind] for name, kind in TYPES.items()}
INSTANCES = st.fixed_dictionaries({}, optional=OPTIONAL)


@pytest.fixture
def encoder():
    return Encoder(TYPES)


def parsed(record):
    return tf.train.Example.FromString(record).features


def by_protobuf(instance):
    features = tf.train.Features()
    for name, value in instance.items():
        if value is None:
            continue
        feature = features.feature[name]
        kind = TYPES[name]
        if kind == "INT":
            feature.int64_list.value.append(int(value))
        elif kind == "FLOAT":
            feature.float_list.value.append(value)
        else:
            feature.bytes_list.value.append(value.encode())
    return features


@settings(max_examples=300)
@given(instances=st.lists(INSTANCES, max_size=4))
def test_a_record_is_what_protobuf_reads_back(instances):
    encoder = Encoder(TYPES)

    records = [encoder.record(place, instance) for place, instance in enumerate(instances)]

    features = [parsed(record) for record in records]
    assert features == [by_protobuf(instance) for instance in instances]


def test_a_value_that_comes_again_is_written_again(encoder):
    first = encoder.record(0, {"count": -7, "company": "Yellow Cab"})
    second = encoder.record(0, {"count": -7, "company": "Yellow Cab"})

    assert first == second
    assert parsed(second) == by_protobuf({"count": -7, "company": "Yellow Cab"})


def test_more_values_than_are_kept_are_written_all_the_same(encoder):
    numbers = range(KEPT_ENTRIES + 3)

    records = [encoder.record(0, {"count": number}) for number in numbers]

    assert parsed(records[-1]) == by_protobuf({"count": numbers[-1]})


@pytest.mark.parametrize(
    ("name", "value", "expectation"),
    [
        ("count", True, "a whole number of 64 bits"),
        ("count", 1.5, "a whole number of 64 bits"),
        ("count", math.nan, "a whole number of 64 bits"),
        ("count", math.inf, "a whole number of 64 bits"),
        ("count", LARGEST_INT64 + 1, "a whole number of 64 bits"),
        ("count", SMALLEST_INT64 - 1, "a whole number of 64 bits"),
        ("count", 1e300, "a whole number of 64 bits"),
        ("count", "1", "a whole number of 64 bits"),
        ("fare", False, "a finite number"),
        ("fare", math.nan, "a finite number"),
        ("fare", -math.inf, "a finite number"),
        ("fare", 10**400, "a finite number"),
        ("fare", 3.5e38, "a finite number"),
        ("fare", [1.0], "a finite number"),
        ("company", 1, "a string"),
        ("company", ["a"], "a string"),
        ("company", {}, "a string"),
    ],
)
def test_a_value_of_another_kind_is_refused(encoder, name, value, expectation):
    encoder.record(0, {"count": 1, "fare": 1.0, "company": "a"})

    with pytest.raises(InstanceError) as refusal:
        encoder.record(3, {name: value})

    sentence = str(refusal.value)
    assert sentence.startswith(f"instance 3: the feature {name} is ")
    assert sentence.endswith(f"allowed is {expectation} or null")


def test_a_text_that_utf_8_does_not_hold_is_written_with_question_marks(encoder):
    record = encoder.record(0, {"company": "a\ud800b"})

    assert parsed(record) == by_protobuf({"company": "a?b"})
