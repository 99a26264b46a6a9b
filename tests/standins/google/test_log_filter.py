"""The stand-in picks log entries as Cloud Logging does."""

import pytest

from tests.standins.google.log_filter import matches

ENTRY = {"logName": "projects/p/logs/x", "resource": {"type": "global"}, "textPayload": "ERROR: 1"}


@pytest.mark.parametrize(
    "log_filter",
    [
        'resource.type="global"',
        'resource.type="Global"',
        'textPayload=~"^ERROR"',
        'logName="projects/p/logs/x" AND textPayload=~"1$"',
    ],
)
def test_an_entry_is_picked_by_its_texts(log_filter):
    assert matches(log_filter, ENTRY)


@pytest.mark.parametrize(
    "log_filter",
    [
        'resource.type="glob"',
        'textPayload=~"^1"',
        'jsonPayload.event="drift"',
        'logName="projects/p/logs/x" AND textPayload=~"^1"',
    ],
)
def test_an_entry_with_another_text_or_none_is_not_picked(log_filter):
    assert not matches(log_filter, ENTRY)


def test_a_filter_that_is_not_understood_is_an_error():
    with pytest.raises(ValueError, match="does not understand"):
        matches('severity>="ERROR"', ENTRY)
