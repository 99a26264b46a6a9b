"""Each number of a stage has an upper end, and each refusal is a short sentence."""

import dataclasses
import re
from typing import Annotated, get_args, get_origin, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from environments import DEV
from settings import GitHub, RequestLog, Serving, Settings, SettingsError, Training
from settings.values import LONGEST_SENTENCE, Within, cut, joined, shown

PARTS = {
    "": Settings,
    "github": GitHub,
    "training": Training,
    "serving": Serving,
    "request_log": RequestLog,
}
NUMBERS = {int, float, int | None, tuple[int, ...]}
LONGEST = 400  # of a whole sentence


def fields():
    """Each field of a stage: its part, its name, its type and the notes on it."""
    for part, type_ in PARTS.items():
        hints = get_type_hints(type_, include_extras=True)
        for name, hint in hints.items():
            kind, *notes = get_args(hint) if get_origin(hint) is Annotated else (hint,)
            yield part, name, kind, notes


FIELDS = [(part, name, notes) for part, name, kind, notes in fields() if kind in NUMBERS]
PLAIN = [field for field in FIELDS if field[1] != "traffic_steps"]


def changed(part, name, value):
    """The stage dev with another value."""
    if not part:
        return dataclasses.replace(DEV, **{name: value})
    values = dataclasses.replace(getattr(DEV, part), **{name: value})
    return dataclasses.replace(DEV, **{part: values})


def sentence_on(part, name, value):
    """The refusal of the value."""
    with pytest.raises(SettingsError) as refused:
        changed(part, name, value)
    return str(refused.value)


def test_each_number_has_a_range():
    without_range = []
    for part, name, notes in FIELDS:
        if not any(isinstance(note, Within) for note in notes):
            without_range.append(f"{part}.{name}")

    assert len(FIELDS) > 10
    assert without_range == []


@pytest.mark.parametrize(
    ("part", "name", "value", "sentence"),
    [
        ("request_log", "retention_days", 36_526, "at least 1 and at most 36525"),
        ("request_log", "sampling_rate", float("nan"), "more than 0 and at most 1"),
        ("serving", "largest_error_share", float("inf"), "more than 0 and less than 1"),
        ("serving", "step_minutes", 421, "at least 0 and at most 420"),
        ("serving", "max_replicas", 2**31, "at least 1 and at most 2147483647"),
        ("serving", "traffic_steps", (0, 100), "at least 1 and at most 100"),
        ("github", "app_installation_id", 2**63, "at most 9223372036854775807"),
        ("", "project_number", -1, "at least 1 and at most 9223372036854775807"),
    ],
)
def test_a_number_beyond_its_range_is_told_what_is_allowed(part, name, value, sentence):
    key = f"{part}.{name}" if part else name

    message = sentence_on(part, name, value)

    assert re.search(rf"{re.escape(key)} is .*, allowed is .*{re.escape(sentence)}", message)


@pytest.mark.parametrize(
    ("part", "name", "value", "type_name"),
    [
        ("serving", "traffic_steps", (1, "10", 100), "tuple[int, ...]"),
        ("serving", "traffic_steps", [1, 100], "tuple[int, ...]"),
        ("", "alert_emails", (7,), "tuple[str, ...]"),
        ("", "monthly_budget", 2.5, "int | None"),
        ("", "stage", None, "str"),
    ],
)
def test_a_value_of_another_type_is_told_the_right_one(part, name, value, type_name):
    message = sentence_on(part, name, value)

    assert f"{name} is {value!r}, allowed is {type_name}" in message


numbers = st.one_of(
    st.integers(),
    st.floats(),
    st.integers(min_value=60, max_value=70).map(lambda exponent: 2**exponent),
)


@given(field=st.sampled_from(PLAIN), value=numbers)
@example(field=("", "project_number", ()), value=10**5000)
@example(field=("serving", "min_replicas", ()), value=10**5000)
def test_any_number_is_taken_or_refused_in_one_short_sentence(field, value):
    part, name, _ = field

    try:
        changed(part, name, value)
    except SettingsError as refused:
        message = str(refused)
        assert name in message
        assert len(message) < LONGEST
        assert "\n" not in message


def test_many_problems_are_counted_where_a_sentence_has_no_room_for_them():
    problems = [f"value {number} is wrong" for number in range(100)]

    sentence = joined(problems)

    assert sentence.startswith("value 0 is wrong; value 1 is wrong; ")
    assert sentence.endswith("; and 84 more")
    assert len(sentence) < LONGEST


def test_what_a_terminal_would_act_on_is_a_question_mark():
    assert cut("é\x1b[31m\udcff\u202e.") == "é?[31m??."


def test_a_long_value_is_cut():
    assert shown("x" * 5000) == f"'{'x' * 76}..."


def test_a_long_text_becomes_one_short_line():
    line = cut("a\nb " * 1000)

    assert line.startswith("a b a b ")
    assert len(line) == LONGEST_SENTENCE
