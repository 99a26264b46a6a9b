"""What [monitoring] of model.toml may say; anything else is one short sentence, before a run."""

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pipeline.errors import ConfigurationError
from pipeline.model import schema
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small, edit

LONGEST = 400  # of a sentence
LABELS = "[monitoring.labels]\ntable = 'tips'\ndelay_days = 7"
KEYS = (
    "time_column",
    "personal",
    "leave_out",
    "window_days",
    "false_alarms_a_year",
    "limits",
    "limits.fare",
    "row_kez",
    "labels",
    "labels.delay_days",
)


def declare(folder, *lines):
    """Let [monitoring] hold these lines alone."""
    table = "\n".join(["[monitoring]", *lines])
    text = (folder / "model.toml").read_text(encoding="utf-8")
    before, _, _ = text.partition("[monitoring]")
    (folder / "model.toml").write_text(f"{before}{table}\n", encoding="utf-8")


def read(folder):
    """The declaration of a folder that is checked against its schema."""
    model = ModelFolder.load(str(folder))
    schema.read(model)
    return model.declaration.monitoring


def refusal(folder):
    with pytest.raises(ConfigurationError) as refused:
        read(folder)
    return str(refused.value).replace(str(folder), "")


WRONG = {
    "an unknown key": ("row_kez = 1", "monitoring.row_kez is unknown, allowed are time_column, p"),
    "no column for the time": (
        "time_column = 'when'",
        "monitoring.time_column names 'when', allow",
    ),
    "a time in float32": ("time_column = 'fare'", "names 'fare' of type FLOAT, allowed are INT (s"),
    "an unknown personal column": ("personal = ['name']", "monitoring.personal names 'name', allo"),
    "an unknown column left out": ("leave_out = ['x']", "monitoring.leave_out names 'x', allowed "),
    "a label's column left out": ("leave_out = ['tips']", "names 'tips', allowed are the served "),
    "a limit of no column": ("limits = { x = 0.1 }", "monitoring.limits names 'x', allowed are th"),
    "a limit of a column left out": (
        "leave_out = ['fare']\nlimits = { fare = 0.1 }",
        "monitoring.limits names 'fare', allowed are columns that monitoring.leave_out does not",
    ),
    "a limit of nothing": ("limits = { fare = 0 }", "limits.fare is 0, allowed: more than 0 and "),
    "a limit beyond all": ("limits = { fare = 1.5 }", "limits.fare is 1.5, allowed: more than 0 a"),
    "a limit in words": ("limits = { fare = 'low' }", "monitoring.limits.fare is 'low', allowed: "),
    "no window": ("window_days = 0", "window_days is 0, allowed: at least 1 and at most 366"),
    "a window of years": ("window_days = 367", "window_days is 367, allowed: at least 1 and at m"),
    "half a day": ("window_days = 0.5", "monitoring.window_days is 0.5, allowed: input should be"),
    "no false alarm": ("false_alarms_a_year = 0", "is 0, allowed: more than 0 and at most 365"),
    "alarms without end": ("false_alarms_a_year = inf", "is inf, allowed are finite numbers"),
    "a list of numbers": ("personal = [1]", "monitoring.personal.0 is 1, allowed: input should b"),
    "outcomes without a table": (
        "[monitoring.labels]\ndelay_days = 7",
        "monitoring.labels.table is missing",
    ),
    "outcomes without a delay": (
        "labels = { table = 'tips' }",
        "monitoring.labels.delay_days is missing",
    ),
    "an unknown key of outcomes": (
        f"{LABELS}\nrow = 'x'",
        "monitoring.labels.row is unknown, allowed are table, key, outcome, known_at, delay_days",
    ),
    "a table of another dataset": (
        "labels = { table = 'shop.tips', delay_days = 7 }",
        "monitoring.labels.table is 'shop.tips', allowed: string should match pattern",
    ),
    "one column for two": (
        f"{LABELS}\noutcome = 'KEY'",
        "monitoring.labels.key, outcome and known_at name 'key' twice, allowed are three columns",
    ),
    "outcomes before the request": (
        "labels = { table = 'tips', delay_days = -1 }",
        "monitoring.labels.delay_days is -1, allowed: at least 0 and at most 366",
    ),
    "outcomes in words": ("labels = 'tips'", "monitoring.labels is 'tips', allowed: input should "),
    "text for a list": ("leave_out = 'fare'", "monitoring.leave_out is 'fare', allowed: input sho"),
}


@pytest.mark.parametrize(("lines", "sentence"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_monitored_is_one_sentence(cab, lines, sentence):
    declare(cab, lines)

    message = refusal(cab)

    assert sentence in message
    assert len(message) < LONGEST


def test_every_key_and_the_table_itself_may_be_left_out(cab):
    edit(cab / "model.toml", r"(?s)^\[monitoring\].*", "")

    monitoring = read(cab)

    assert monitoring.time_column is None
    assert monitoring.window_days == 7
    assert monitoring.false_alarms_a_year == 1
    assert monitoring.limits == {}


def test_a_time_that_is_known_only_afterwards_is_taken(cab):
    edit(
        cab / "schema.pbtxt",
        r'^feature \{ name: "trip_start_timestamp" type: INT',
        r'\g<0> not_in_environment: "SERVING"',
    )
    edit(cab / "model.toml", r"^trip_start_timestamp = .*\n", "")

    monitoring = read(cab)

    assert monitoring.time_column == "trip_start_timestamp"


def test_a_limit_of_a_column_is_taken(cab):
    declare(cab, "[monitoring.limits]", "fare = 0.02")

    assert read(cab).limits == {"fare": 0.02}


values = st.one_of(st.integers(), st.floats(), st.dates(), st.text(max_size=20).map(repr))
LITERALS = st.one_of(
    values.map(str),
    st.lists(values, max_size=3).map(str),
    st.sampled_from(["true", "{}", "{ fare = 0.1 }", "[[]]", '"fare"', '["fare"]']),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.sampled_from(KEYS), literal=LITERALS)
@example(key="limits", literal="{ fare = nan }")
@example(key="window_days", literal=f"{10**30}")
def test_any_value_of_any_key_is_taken_or_refused_in_one_short_sentence(
    tmp_path_factory, key, literal
):
    place = tmp_path_factory.mktemp("folder")
    folder = copy_small("cab", place)
    declare(folder, f"{key} = {literal}")

    try:
        read(folder)
    except ConfigurationError as refused:
        sentence = str(refused).replace(str(folder), "")
        assert len(sentence) < LONGEST
        assert "\n" not in sentence


def test_outcomes_are_declared_by_a_table_and_a_delay(cab):
    declare(cab, LABELS)

    labels = read(cab).labels

    assert labels.model_dump() == {
        "table": "tips",
        "key": "key",
        "outcome": "outcome",
        "known_at": "known_at",
        "delay_days": 7,
    }
