"""What is legal in TOML and not ours is refused when a folder is read, in one short sentence."""

import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.model import schema
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small, edit

LONGEST = 400  # of a sentence
# Keys of cab's model.toml that hold one number each, or one value of the sample.
COUNTS = ("minimum_rows", "window_days", "steps", "eval_steps", "trials", "least_change")
SAMPLE = ("trip_start_timestamp", "fare", "trip_miles", "trip_seconds", "payment_type")
KEYS = (*COUNTS, *SAMPLE, "purpose", "source", "required", "metric", "learning_rate", "location")


def set_value(folder, key, literal):
    """Write the literal for the first of these keys."""
    file = folder / "model.toml"
    text = file.read_text()
    pattern = re.compile(rf"^{key} = .*", re.MULTILINE)
    line = f"{key} = {literal}"
    edited = pattern.sub(lambda _: line, text, count=1)
    assert line in edited
    file.write_text(edited, encoding="utf-8")


def read(folder):
    """All that is checked of a folder before anything runs."""
    model = ModelFolder.load(str(folder))
    assert model.source
    return schema.read(model)


def refusal(folder):
    """The sentence of a refused folder, without its path."""
    with pytest.raises(ConfigurationError) as refused:
        read(folder)
    return str(refused.value).replace(str(folder), "")


@pytest.mark.parametrize(
    ("key", "literal", "sentence"),
    [
        ("window_days", "800000", "data.window_days is 800000, allowed: input should be less"),
        ("minimum_rows", f"{10**20}", f"data.minimum_rows is {10**20}, allowed are integers of 64"),
        ("minimum_rows", "2147483648", "or equal to 2147483647"),
        ("steps", "3000000000", "training.steps is 3000000000, allowed: input should be less"),
        ("trials", "0xffffffff", "tuning.trials is 4294967295, allowed: input should be less"),
        ("least_change", "-inf", "gate.least_change is -inf, allowed are finite numbers"),
        ("learning_rate", "[0.01, nan]", "space.learning_rate.1 is nan, allowed are finite"),
        ("learning_rate", "[[1]]", "space.learning_rate.0 is [1], allowed: text in quotes, a num"),
        (
            "learning_rate",
            "[1, 0.003]",
            "learning_rate is [1, 0.003], allowed: choices of one type",
        ),
        (
            "source",
            '"a\\nb.csv"',
            "data.source is 'a\\nb.csv', allowed: a path without control char",
        ),
        ("fare", "nan", "serving.sample.fare is nan, allowed are finite numbers"),
        ("fare", "1e39", "serving.sample.fare is 1e+39, allowed is a value of type FLOAT: a fini"),
        ("fare", "true", "serving.sample.fare is True, allowed is a value of type FLOAT: a fini"),
        ("trip_seconds", f"{2**63}", f"serving.sample.trip_seconds is {2**63}, allowed are integ"),
        ("trip_seconds", "3.0", "serving.sample.trip_seconds is 3.0, allowed is a value of type "),
        ("trip_seconds", "[3]", "serving.sample.trip_seconds is [3], allowed: text in quotes, a "),
        ("payment_type", "2013-07-10", "payment_type is 2013-07-10, allowed is text in quotes"),
        ("payment_type", "07:32:00", "serving.sample.payment_type is 07:32:00, allowed is text "),
        ("purpose", '"a\\u0000b"', "purpose is 'a\\x00b', allowed is text without a NUL"),
        ("source", '"package:"', "data.source names the package '', allowed are packages"),
        ("source", '"package:no.such/a"', "data.source names the package 'no.such', allowed are"),
        ("steps", "9" * 5000, "model.toml: not TOML: Exceeds the limit (4300 digits)"),
        ("steps", f"0x{'f' * 5000}", "training.steps is a number of thousands of digits, allowed"),
        ("required", "[" * 5000, "model.toml: not TOML: "),
    ],
)
def test_a_value_that_is_legal_and_not_ours_is_one_sentence(cab, key, literal, sentence):
    set_value(cab, key, literal)

    message = refusal(cab)

    assert sentence in message
    assert message.count(f"{key} is ") <= 1
    assert len(message) < LONGEST


def test_a_dotted_key_of_many_levels_is_one_short_sentence(cab):
    levels = ".".join("abc" * 1000)
    edit(cab / "model.toml", r"^\[data\]$", f"{levels} = 1979-05-27\n[data]")

    sentence = refusal(cab)

    assert "is 1979-05-27, allowed is text in quotes" in sentence
    assert len(sentence) < LONGEST


def test_an_error_counts_the_problems_it_has_no_room_for(cab):
    keys = "\n".join(f"unknown_{number} = 1" for number in range(100))
    edit(cab / "model.toml", r"^\[data\]$", f"{keys}\n[data]")

    sentence = refusal(cab)

    assert "unknown_0 is unknown, allowed are purpose, data, " in sentence
    assert sentence.endswith(" more")
    assert len(sentence) < LONGEST


values = st.one_of(st.integers(), st.floats(), st.dates(), st.times())
large_integers = st.integers(min_value=0, max_value=2**70)
texts = st.text(st.characters(codec="utf-8"), max_size=40)
LITERALS = st.one_of(
    values.map(str),
    large_integers.map(hex),
    texts,
    texts.map("'{}'".format),
    st.sampled_from(["true", '""', "[]", "{}", "[[]]", "[1, 'a']", "{a = 1}", '"""\na"""']),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), literal=LITERALS)
@example(key="steps", literal="inf")
@example(key="fare", literal="3.5e38")
def test_any_value_of_any_key_is_taken_or_refused_in_one_short_sentence(
    tmp_path_factory, key, literal
):
    place = tmp_path_factory.mktemp("folder")
    folder = copy_small("cab", place)
    set_value(folder, key, literal)

    try:
        read(folder)
    except ConfigurationError as refused:
        sentence = str(refused).replace(str(folder), "")
        assert len(sentence) < LONGEST
        assert "\n" not in sentence


SLICES = {
    "text for an integer": ("trip_start_hour", '"19"', "is '19', allowed is a value of type INT"),
    "true for an integer": ("trip_start_hour", "true", "is True, allowed is a value of type INT"),
    "a fraction for an integer": ("trip_start_hour", "1.5", "is 1.5, allowed is a value of type"),
    "a number for a text": ("company", "1", "is 1, allowed is a value of type BYTES: text in"),
    "a text for a number": ("fare", '"3.5"', "is '3.5', allowed is a value of type FLOAT: a fin"),
    "more than float32 holds": ("fare", "1e39", "is 1e+39, allowed is a value of type FLOAT: a"),
    "what float32 rounds": ("fare", "16777217", "is 16777217, allowed are whole numbers up to "),
    "a date for a text": ("company", "2013-07-10", "is 2013-07-10, allowed is text in quotes"),
}


def declare_slice(folder, feature, literal):
    part = f'[[gate.slices]]\nfeature = "{feature}"\nvalue = {literal}\nlower_bound = 0.6'
    edit(folder / "model.toml", r"^\[serving\]$", f"{part}\n\n[serving]")


@pytest.mark.parametrize(("feature", "literal", "sentence"), SLICES.values(), ids=SLICES)
def test_a_slice_that_its_column_cannot_match_is_refused(cab, feature, literal, sentence):
    declare_slice(cab, feature, literal)

    message = refusal(cab)

    assert f"gate.slices.0.value {sentence}" in message


@pytest.mark.parametrize(
    ("feature", "literal"),
    [("company", '"01"'), ("trip_start_hour", "19"), ("fare", "3"), ("fare", "0.1")],
)
def test_a_slice_of_the_columns_type_is_taken(cab, feature, literal):
    declare_slice(cab, feature, literal)

    contract = read(cab)

    assert contract.feature


def test_a_slice_that_is_declared_twice_is_refused_whatever_its_spelling(cab):
    declare_slice(cab, "fare", "3")
    declare_slice(cab, "fare", "3.0")

    assert "gate.slices 'fare=3' is there 2 times, allowed is once" in refusal(cab)


@pytest.mark.parametrize(
    ("feature", "sentence"),
    [
        (
            'name: "fare" type: FLOAT',
            "schema.pbtxt: the feature 'fare' is there 2 times, allowed is",
        ),
        ("type: FLOAT", "schema.pbtxt: a feature has no name, allowed is the name of a column"),
    ],
)
def test_a_feature_of_no_column_of_its_own_is_refused(cab, feature, sentence):
    edit(cab / "schema.pbtxt", r"\Z", f"feature {{ {feature} }}\n")

    assert sentence in refusal(cab)


def test_a_byte_order_mark_in_model_toml_is_no_fault(cab):
    file = cab / "model.toml"
    text = file.read_text()
    file.write_text(text, encoding="utf-8-sig")

    assert read(cab).feature


def test_a_module_of_too_many_levels_is_one_sentence(cab):
    (cab / "model.py").write_text(f"x = {'-' * 100_000}1")

    assert "model.py: not Python: Parser stack overflowed" in refusal(cab)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('{"batch_size": 64.0}', "best.json: batch_size is 64.0, allowed are tuning.space's choic"),
        ("[" * 100_000, "best.json: not JSON (maximum recursion depth exceeded"),
        ('{"batch_size": NaN}', "best.json: batch_size is nan, allowed are tuning.space's choices"),
        ('{"batch_size": ' + "9" * 5000 + "}", "best.json: not JSON (Exceeds the limit (4300"),
    ],
    ids=["another type", "levels", "nan", "digits"],
)
def test_hyperparameters_that_are_no_finite_numbers_are_one_sentence(cab, text, sentence):
    file = cab / "hyperparameters/best.json"
    file.write_text(text)

    message = refusal(cab)

    assert sentence in message
