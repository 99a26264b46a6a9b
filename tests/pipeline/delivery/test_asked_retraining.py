"""What the monitor asks for is asked once and lost never: from the claim to the build."""

import threading
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.delivery import pushes, retraining_requests, withdrawal
from pipeline.delivery.record import SupersededError
from pipeline.errors import RunError
from pipeline.gcp import pubsub
from pipeline.gcp.endpoints import endpoint_of
from pipeline.gcp.stage import Stage
from pipeline.monitoring.cloud import Cloud
from pipeline.monitoring.place import Span, Version
from pipeline.monitoring.retraining import Wish
from pipeline.monitoring.verdict import Verdict
from pipeline.monitoring.verdicts import Row, midnight
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    WARM,
    add_delivery,
    builds,
    edit_record,
    push_version,
    put_images,
    recorded_cab,
)
from tests.pipeline.delivery.deliveries import deliver
from tests.pipeline.delivery.pushed_commits import RUNS
from tests.standins.google.faults import LOST, Fault

DAY = date(2026, 3, 21)
ID = "cab-1-2026-03-21"
WEEK = timedelta(days=7)
PUBLISH = ":publish"
SILENT = lambda *_: None  # noqa: E731


@pytest.fixture
def asked(cloud, dev):
    """Dev, which serves version 1, with its trigger on requests for retrainings."""
    add_delivery(dev, "cab", FIRST)
    topic = cloud.add_topic(DEV.project_id, DEV.names.topic("retrain"))
    names = ("models", "request")
    templates = [f"$(body.message.attributes.{name})" for name in names]
    cloud.main = lambda: FIRST.commit
    cloud.add_trigger(
        DEV.project_id,
        DEV.region,
        DEV.names.trigger("retrain"),
        substitutions=dict(zip(("_MODELS", "_REQUEST"), templates, strict=True)),
        filter='_MODELS != ""',
        pubsubConfig={"topic": topic},
    )
    return cloud


def verdict(day: date) -> Verdict:
    end = midnight(day + timedelta(days=1))
    return Verdict(
        model="cab",
        deployed_model_id="4711",
        begin=end - WEEK,
        end=end,
        kind="drift",
        sentence="fare has moved",
    )


def wish(day: date = DAY, version: str = "1") -> Wish:
    """A version that drifts in the window until this day, and in the one before."""
    before = day - WEEK
    return Wish(
        version=Version(id="4711", number=version, spans=(Span(begin=midnight(before)),)),
        verdict=verdict(day),
        day=day,
        earlier=[Row(verdict=verdict(before), version=version, judged_at=midnight(before))],
        acceptances=(),
    )


def ask(day: date = DAY) -> str:
    """As a monitor of its own."""
    return Cloud(Stage(DEV)).ask_for_retraining(wish(day))


def of_trigger(google, recipe: str) -> list[dict[str, str]]:
    """The substitutions of the builds of a trigger of dev."""
    name = DEV.names.trigger(recipe)
    substitutions = [build["substitutions"] for build in builds(google)]
    return [values for values in substitutions if values["TRIGGER_NAME"] == name]


def receive(cli, values: dict[str, str]):
    """As build/retrain.yaml does."""
    models, request = values["_MODELS"], values["_REQUEST"]
    return cli("push", "--env", "dev", "--retrain", "--models", models, "--request", request)


def requests():
    return retraining_requests._object("cab").read(Stage(DEV))


def test_a_drift_is_asked_for_by_a_message_and_its_build_is_of_what_serves(asked, cli):
    sentence = ask()

    [message] = of_trigger(asked, "retrain")
    result = receive(cli, message)
    [build] = of_trigger(asked, "modules")
    assert sentence.startswith("a retraining was asked for on ")
    assert message["_MODELS"] == "cab"
    assert message["_REQUEST"] == ID
    assert result.code == 0, result.err
    assert build["COMMIT_SHA"] == FIRST.commit
    assert build["_MODELS"] == "cab"
    assert build["_REQUEST"] == ID
    assert "and build " in ask(DAY + timedelta(days=1))


def test_the_same_window_and_those_that_share_a_day_with_it_ask_once(asked):
    for age in range(8):
        ask(DAY + timedelta(days=age))

    ids = [values["_REQUEST"] for values in of_trigger(asked, "retrain")]
    assert ids == [ID, "cab-1-2026-03-28"]


def test_two_monitors_at_once_ask_for_one_retraining(asked, cli):
    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    for message in of_trigger(asked, "retrain"):
        receive(cli, message)

    assert len(requests()) == 1
    assert len(of_trigger(asked, "modules")) == 1


@pytest.mark.parametrize("status", [403, 404])
def test_a_topic_that_refuses_is_asked_the_next_time_by_the_same_name(asked, status):
    asked.faults.append(Fault("POST", PUBLISH, status))

    with pytest.raises(RunError, match="the topic dev-retrain"):
        ask()
    ask(DAY + timedelta(days=1))

    [message] = of_trigger(asked, "retrain")
    assert message["_REQUEST"] == ID


def test_a_topic_that_is_away_is_asked_patiently(asked):
    asked.faults += [Fault("POST", PUBLISH, 503)] * 3

    ask()

    assert len(of_trigger(asked, "retrain")) == 1


def test_a_bucket_that_refuses_the_claim_sends_nothing(asked, store):
    store.faults = [403]

    with pytest.raises(RunError):
        ask()

    assert of_trigger(asked, "retrain") == []
    assert requests() == ()


def test_killed_between_message_and_mark_the_next_message_is_taken_for_the_first(
    asked, cli, monkeypatch
):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(retraining_requests, "sent", killed)
        ask()

    ask()

    first, second = of_trigger(asked, "retrain")
    receive(cli, first)
    result = receive(cli, second)
    assert first["_REQUEST"] == second["_REQUEST"]
    assert result.code == 0
    assert len(of_trigger(asked, "modules")) == 1


def killed(*_):
    raise KeyboardInterrupt


def test_killed_between_claim_and_message_the_next_time_sends_it(asked, monkeypatch):
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pubsub, "ask_to_retrain", killed)
        ask()

    ask(DAY + timedelta(days=1))

    [message] = of_trigger(asked, "retrain")
    assert message["_REQUEST"] == ID


def test_a_receiver_that_was_killed_is_completed_by_the_next_message(asked, cli, monkeypatch):
    ask()
    [message] = of_trigger(asked, "retrain")
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pushes.cloud_build, "requested", killed)
        pushes.retrain_once(Stage(DEV), "cab", ID)
    early = receive(cli, message)
    age_claim()

    ask(DAY + timedelta(days=1))
    _, again = of_trigger(asked, "retrain")
    receive(cli, again)

    assert early.code == 0
    assert "another message of this request starts it" in early.out
    assert len(of_trigger(asked, "modules")) == 1


def test_a_build_that_its_receiver_did_not_write_down_is_found(asked, cli, monkeypatch):
    ask()
    [message] = of_trigger(asked, "retrain")
    receive(cli, message)
    [build] = [each for each in builds(asked) if each["substitutions"].get("_STAGE") == "dev"]
    asked.change("cloud_build", build["name"], status="SUCCESS")
    forget = lambda request: replace(request, build=None)  # noqa: E731
    retraining_requests.changed(Stage(DEV), "cab", ID, forget)
    age_claim()

    receive(cli, message)

    assert len(of_trigger(asked, "modules")) == 1
    assert requests()[0].build == build["id"]


def age_claim():
    """As if the request had been taken an hour ago."""
    hour_ago = datetime.now(UTC) - timedelta(hours=1)
    retraining_requests.changed(
        Stage(DEV), "cab", ID, lambda request: replace(request, taken_at=hour_ago)
    )


@pytest.mark.parametrize("status", [403, 404])
def test_a_trigger_that_refuses_is_asked_once_more_the_next_morning(asked, cli, status):
    ask()
    [message] = of_trigger(asked, "retrain")
    asked.faults.append(Fault("POST", RUNS, status))
    refused = receive(cli, message)

    ask(DAY + timedelta(days=1))

    _, again = of_trigger(asked, "retrain")
    receive(cli, again)
    assert refused.code == 1
    assert "not started: the trigger dev-modules" in refused.out
    assert len(of_trigger(asked, "modules")) == 1


def test_a_trigger_whose_answer_is_lost_has_started_one_build(asked, cli):
    ask()
    [message] = of_trigger(asked, "retrain")
    asked.faults.append(Fault("POST", RUNS, LOST))

    receive(cli, message)

    assert len(of_trigger(asked, "modules")) == 1


def test_a_retraining_that_was_refused_is_not_asked_for_again_in_its_window(asked, cli):
    ask()
    [message] = of_trigger(asked, "retrain")
    receive(cli, message)
    for build in builds(asked):
        asked.change("cloud_build", build["name"], status="SUCCESS")

    sentences = [ask(DAY + timedelta(days=age)) for age in range(7)]

    assert all("a retraining was asked for on" in sentence for sentence in sentences)
    assert len(of_trigger(asked, "retrain")) == 1
    assert len(of_trigger(asked, "modules")) == 1


def test_a_clock_that_goes_back_asks_for_nothing(asked):
    ask()

    ask(DAY - timedelta(days=3))
    sentence = ask(DAY - timedelta(days=30))

    assert "no retraining is asked for" in sentence
    assert len(of_trigger(asked, "retrain")) == 1


def test_a_person_s_message_has_no_request_and_starts_its_own(asked, cli):
    message = {"attributes": {"models": "cab"}}
    path = f"v1/projects/{DEV.project_id}/topics/{DEV.names.topic('retrain')}:publish"
    Stage(DEV).pubsub.post(path, json={"messages": [message]})

    [values] = of_trigger(asked, "retrain")
    result = receive(cli, values)

    assert values["_REQUEST"] == ""
    assert result.code == 0
    assert len(of_trigger(asked, "modules")) == 1


def test_a_request_that_nobody_made_is_refused(asked, cli):
    result = receive(cli, {"_MODELS": "cab", "_REQUEST": "cab-9-2026-03-21"})

    assert result.code == 2
    assert (
        "--request is 'cab-9-2026-03-21', allowed is one that the monitor made" in result.sentence
    )
    assert of_trigger(asked, "modules") == []


def test_a_request_is_of_a_retraining_alone(asked, cli):
    result = cli("push", "--env", "dev", "--request", ID)

    assert result.code == 2
    assert f"--request is '{ID}', allowed with --retrain alone" in result.sentence


def test_a_version_that_left_before_its_message_came_starts_nothing(asked, cli, dev):
    ask()
    [message] = of_trigger(asked, "retrain")
    add_delivery(dev, "cab", replace(FIRST, registry_version="2"))

    result = receive(cli, message)

    assert result.code == 0
    assert "version 1 of cab, which asked, has left" in result.out
    assert of_trigger(asked, "modules") == []


def test_a_version_that_left_before_its_build_was_approved_is_not_trained(asked, dev):
    ask()
    add_delivery(dev, "cab", replace(FIRST, registry_version="2"))

    with pytest.raises(SupersededError, match="which asked, has left"):
        retraining_requests.check_wanted(dev, "cab", ID)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("commit_before", ["of the same commit", "of another commit"])
def test_a_rollback_while_the_retraining_runs_is_not_undone(
    served, warm, commit, google, pipelines, commit_before
):
    """Even where the commit was the last one that was pushed."""
    older = commit if commit_before == "of the same commit" else FIRST.commit
    images = put_images(google, commit)
    before = replace(recorded_cab(warm).current, commit=older, images=images)
    add_delivery(warm, "cab", before)
    newer = push_version(warm, "newer")
    current = replace(before, commit=commit, registry_version="2", deployed_model=newer)
    add_delivery(warm, "cab", current)
    edit_record(warm, images=images)

    def train(job):
        withdrawal.rollback(Stage(WARM), "cab", SILENT)
        pipelines.run(job)

    google.on_pipeline_job = train
    [verdict] = deliver(commit, tag=None)

    versions = endpoint_of(warm, "cab").versions()
    shares = endpoint_of(warm, "cab").shares()
    assert verdict.state == "superseded"
    assert recorded_cab(warm).current.registry_version == before.registry_version
    assert {versions[id_] for id_ in shares} == {before.registry_version}
