"""`monitor` refuses in one sentence what it can know before it asks anybody."""

from datetime import UTC, datetime, timedelta

import pytest

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)
LOG = ("--request-log", "demo.log.requests")
STAGE = ("--env", "dev")


@pytest.fixture
def runs(tmp_path):
    """Runs with a published version of the model cab."""
    version = tmp_path / "store/cab/published/1"
    version.mkdir(parents=True)
    return tmp_path


@pytest.mark.parametrize("day", [TODAY, TODAY + timedelta(days=1)])
def test_a_day_that_has_not_ended_is_refused(cli, day):
    result = cli("monitor", *STAGE, "--date", day)

    assert result.code == 2
    assert result.sentence == (
        f"python -m pipeline monitor: --date is {day}, allowed is a day that has ended in UTC, "
        f"from 2000-01-01 to {YESTERDAY}"
    )


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--date", "0001-01-01"), "--date is 0001-01-01, allowed is a day that has ended in UTC"),
        (("--date", ""), "--date is '', allowed is a day as YYYY-MM-DD"),
        (("--since", ""), "--since is '', allowed is a day as YYYY-MM-DD"),
        (("--date", "yesterday"), "--date is 'yesterday', allowed is a day as YYYY-MM-DD"),
        (("--since", "31.3."), "--since is '31.3.', allowed is a day as YYYY-MM-DD"),
        (
            ("--date", "2026-03-02", "--since", "2026-03-03"),
            "--since is 2026-03-03, allowed is a day from 2025-03-01 to 2026-03-02",
        ),
        (
            ("--date", "2026-03-02", "--since", "2016-03-02"),
            "--since is 2016-03-02, allowed is a day from 2025-03-01 to 2026-03-02",
        ),
        (("--models", "cab", "--model", "cab"), "name the models once"),
        (("--models", "cab,cap"), "--models names 'cap', allowed are all, none, or of cab, ferry"),
        (("--models", ""), "--models names '', allowed are"),
        (("--server", "http://localhost"), "--server is 'http://localhost', allowed only with"),
        (("--legacy-model", "cab"), "--legacy-model is 'cab', allowed only with --request-log"),
        (("--until", "2026-03-31"), "--accept and --until are allowed only together"),
        (
            ("cab", "--accept", "fare", "--until", "2026-03-31"),
            "--accept and --because are allowed only together",
        ),
        (
            (
                "--accept",
                "fare",
                "--until",
                "2026-03-31",
                "--because",
                "new",
                "--since",
                "2026-03-01",
            ),
            "--since is '2026-03-01', --accept is allowed without it",
        ),
        (
            ("--accept", "fare", "--until", "soon", "--because", "known", "--model", "cab"),
            "--until is 'soon', allowed is a day as YYYY-MM-DD",
        ),
        (
            ("--accept", "fare", "--until", "2027-03-31", "--because", "known"),
            "--accept is of one model, 2 are named",
        ),
    ],
)
def test_flags_that_say_nothing_are_refused(cli, flags, sentence):
    result = cli("monitor", *STAGE, *flags)

    assert result.code == 2
    assert len(result.error_lines) == 1
    assert sentence in result.sentence


def test_an_unknown_stage_is_refused(cli):
    result = cli("monitor", "--env", "qa")

    assert result.code == 2
    assert "--env is 'qa', allowed are dev, staging, prod" in result.sentence


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ((), "name the models once"),
        (("ferry",), "there is no published version of 'ferry'"),
        (("--models", "cab,ferry"), "there is no published version of 'cab,ferry'"),
        (("cab", "--legacy-model", ""), "--legacy-model is empty, allowed is a model's name"),
        (("cab", "--server", ""), "--server is '', allowed is http://HOST:PORT"),
        (("cab", "--server", "http://["), "--server is 'http://[', allowed is http://HOST:PORT"),
        (("cab", "--server", "localhost"), "--server is 'localhost', allowed is http://HOST:PORT"),
    ],
)
def test_flags_for_a_log_of_one_s_own_are_refused(cli, runs, flags, sentence):
    result = cli("monitor", *LOG, "--runs", runs, *flags)

    assert result.code == 2
    assert len(result.error_lines) == 1
    assert sentence in result.sentence


def test_a_table_without_its_dataset_is_refused(cli, runs):
    result = cli("monitor", "cab", "--request-log", "requests", "--runs", runs)

    assert result.code == 2
    assert "allowed is PROJECT.DATASET.TABLE" in result.sentence


def test_a_stage_and_a_log_are_not_monitored_at_once(cli):
    result = cli("monitor", "cab", *STAGE, *LOG)

    assert result.code == 2
    assert "not allowed with argument" in result.sentence


def test_a_server_is_refused_beside_an_overview(cli):
    result = cli("monitor", "--overview", "--server", "http://localhost")

    assert result.code == 2
    assert "--server is 'http://localhost', allowed only with --request-log" in result.sentence


def test_an_overview_of_one_model_is_refused(cli):
    result = cli("monitor", "cab", "--overview")

    assert result.code == 2
    assert "--overview is of all models of all stages" in result.sentence


def test_a_bigquery_that_is_not_there_is_one_sentence(cli, runs, monkeypatch):
    monkeypatch.setenv("BIGQUERY_EMULATOR_HOST", "http://127.0.0.1:9")
    monkeypatch.setattr("pipeline.gcp.clients.PATIENCE_SECONDS", 0.1)

    result = cli("monitor", "cab", *LOG, "--runs", runs)

    assert result.code == 1
    assert "BigQuery could not be reached" in result.sentence
