"""Each change of a model's traffic is written down before the matching record."""

import json
from dataclasses import replace

import pytest

from pipeline.delivery import history, record_object, traffic, withdrawal
from pipeline.delivery.record import EMPTY, delivered
from pipeline.errors import RunError
from pipeline.gcp.endpoints import Question, endpoint_of
from pipeline.gcp.stage import Stage
from settings import Serving
from tests.pipeline.delivery.conftest import DEV, FIRST, push_version
from tests.standins.fault_proxy import LOST

SERVING = Serving(keep_warm=True, step_minutes=0, traffic_steps=(50, 100))
WARM = replace(DEV, serving=SERVING)
QUESTION = Question({"fare": 1.0}, ("serving_default",))


def silent(*_):
    pass


def deploy(number: str) -> str:
    """The deployed model of a new version."""
    return push_version(Stage(WARM), number)


@pytest.fixture
def two(google) -> dict[str, str]:
    """Two recorded versions; the newer one has all the traffic."""
    ids = {number: deploy(number) for number in ("1", "2")}
    endpoint_of(Stage(WARM), "cab").split({ids["2"]: 100})
    older = replace(FIRST, registry_version="1", deployed_model=ids["1"])
    newer = replace(FIRST, registry_version="2", deployed_model=ids["2"])
    record = delivered(delivered(EMPTY, "cab", older), "cab", newer)
    record_object.update(Stage(WARM), lambda _: record)
    return ids


def shares() -> list[dict[str, int]]:
    return [change.shares for change in history.read(Stage(WARM), "cab")]


def test_each_step_of_a_release_is_a_change(google, monkeypatch):
    monkeypatch.setenv("BUILD_ID", "4711")
    old, new = deploy("1"), deploy("2")

    traffic.introduce(endpoint_of(Stage(WARM), "cab"), new, old, QUESTION, silent, lambda: None)

    changes = history.read(Stage(WARM), "cab")
    assert [change.shares for change in changes] == [{"1": 50, "2": 50}, {"2": 100}]
    assert {change.cause for change in changes} == {"release"}
    assert {change.by for change in changes} == {"build 4711"}


def test_a_version_that_fails_its_step_is_taken_back_in_the_history_too(google):
    old, new = deploy("1"), deploy("2")
    google.answers["2"] = lambda _: (200, {"predictions": [None]})

    with pytest.raises(RunError, match="expected is one prediction"):
        traffic.introduce(endpoint_of(Stage(WARM), "cab"), new, old, QUESTION, silent, lambda: None)

    last_change = history.read(Stage(WARM), "cab")[-1]
    assert last_change.cause == "taken back"
    assert last_change.shares == {"1": 100}


def test_a_rollback_is_in_the_history_and_the_record_names_it(two):
    withdrawal.rollback(Stage(WARM), "cab", silent)

    [change] = history.read(Stage(WARM), "cab")
    assert change.cause == "rollback"
    assert change.shares == {"1": 100}
    entry = record_object.read(Stage(WARM)).models["cab"]
    assert entry.change == history.newest(Stage(WARM), "cab")


def test_undeployed_versions_are_in_the_history(two):
    withdrawal.undeploy(Stage(WARM), "cab", 0, silent)

    [change] = history.read(Stage(WARM), "cab")
    assert change.cause == "undeploy"
    assert change.shares == {"2": 100}


def test_the_history_is_written_before_the_record(two, blob):
    withdrawal.rollback(Stage(WARM), "cab", silent)

    [change] = blob.bucket.list_blobs(prefix="deliveries/")
    blob.reload()
    assert change.time_created < blob.updated


def test_a_change_whose_answer_was_lost_is_written_once(two, store):
    store.faults = [LOST]

    history.append(endpoint_of(Stage(WARM), "cab"), "rollback")

    assert len(shares()) == 1
    assert not store.faults


def test_the_history_of_a_model_holds_none_of_another_ones(two, store, blob):
    history.append(endpoint_of(Stage(WARM), "cab"), "release")
    blob.bucket.blob("deliveries/cab2/20260101T000000.000000Z-aaaaaa.json").upload_from_string("{}")

    assert shares() == [{"2": 100}]


def test_a_damaged_change_is_named(two, blob):
    name = "deliveries/cab/20260101T000000.000000Z-aaaaaa.json"
    blob.bucket.blob(name).upload_from_string('{"version": 1}')

    with pytest.raises(RunError, match=f"mill-dev-dev-artifacts/{name} is no change of traffic"):
        history.read(Stage(WARM), "cab")


def test_the_verb_prints_a_line_a_change(two, cli):
    withdrawal.rollback(Stage(WARM), "cab", silent)

    text = cli("release", "history", "--env", "dev", "cab").out
    [change] = json.loads(cli("release", "history", "--env", "dev", "cab", "--json").out)

    assert "1: 100 %" in text
    assert "rollback" in text
    assert change["shares"] == {"1": 100}
    assert change["cause"] == "rollback"


def test_the_verb_says_so_where_nothing_is_noted(google, cli):
    result = cli("release", "history", "--env", "dev", "cab")

    assert result.code == 0
    assert result.out.strip() == "nothing is noted of cab in dev"


def test_a_change_from_before_digests_is_read(two, blob):
    name = "deliveries/cab/20260101T000000.000000Z-aaaaaa.json"
    change = {"version": 1, "at": "2026-01-01T00:00:00Z", "model": "cab", "by": "build 1"}
    older_change = {**change, "cause": "release", "shares": {"1": 100}}
    blob.bucket.blob(name).upload_from_string(json.dumps(older_change))

    [change] = history.read(Stage(WARM), "cab")

    assert change.digests == {}


def test_a_history_that_is_not_taken_moves_no_traffic_back(google, store, capsys):
    old, new = deploy("1"), deploy("2")
    store.faults = [403, 403]

    traffic.introduce(endpoint_of(Stage(WARM), "cab"), new, old, QUESTION, silent, lambda: None)

    output = capsys.readouterr()
    assert endpoint_of(Stage(WARM), "cab").shares() == {new: 100}
    assert "the traffic of cab (release) is not in its history" in output.err
