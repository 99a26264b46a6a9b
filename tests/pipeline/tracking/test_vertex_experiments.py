"""A run in Vertex Experiments: by which calls, once, and read back as it was."""

import json
import math
import re
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import RunError, UnreachableError
from pipeline.gcp.stage import Stage
from pipeline.tracking import experiment_run, stage_outbox
from pipeline.tracking.vertex_experiments import VertexExperiments
from settings import REPOSITORY
from tests.pipeline.tracking.broken_server import CLOSES, HANGS, TRICKLES, broken_server
from tests.pipeline.tracking.stage_runs import add_job, contexts, run_id, run_summary
from tests.standins.google.faults import LOST, PASSED, Fault

EXPERIMENT = "dev-seat-runs"
RUN = f"{EXPERIMENT}-{run_id(1)}"
KILLS = [(calls, answer) for calls in range(4) for answer in (503, LOST)]
ENDPOINT = "GOOGLE_VERTEX_AI_CUSTOM_ENDPOINT"


def sent(stage: Stage, **changes) -> None:
    run = stage_outbox.tracked(run_summary(1, **changes))
    VertexExperiments(stage).send(run)


def kept(google, stage):
    """The context of the run, and its row."""
    context = contexts(google, stage, "system.ExperimentRun")[RUN]
    return context, experiment_run.row(context)


def named(context) -> list[str]:
    return [name.split("/")[-1] for name in context["parentContexts"]]


def test_a_run_takes_four_calls_and_no_tensorboard(google, dev):
    add_job(google, dev, 1)
    google.requests.clear()

    sent(dev)

    ends = [request.path.split("/contexts")[-1] for request in google.requests]
    assert ends == [
        f"?contextId={EXPERIMENT}",
        f"?contextId={RUN}",
        f"/{RUN}:addContextChildren",
        f"/{EXPERIMENT}:addContextChildren",
    ]
    assert {request.method for request in google.requests} == {"POST"}


def test_a_run_is_below_its_experiment_and_above_its_job(google, dev):
    add_job(google, dev, 1)

    sent(dev)

    context, _ = kept(google, dev)
    job_context = contexts(google, dev, "system.PipelineRun")[run_id(1)]
    assert named(context) == [EXPERIMENT]
    assert named(job_context) == ["dev-seat", RUN]
    assert context["displayName"] == run_id(1)
    assert context["metadata"]["_state"] == "COMPLETE"
    assert context["metadata"]["_params"] == {"learning_rate": 0.01, "units": 8.0}


def test_a_run_is_read_back_as_it_was(google, dev):
    add_job(google, dev, 1)

    sent(dev, metrics={"auc": 0.91, "lift": None, "loss": math.inf})

    context, row = kept(google, dev)
    assert context["metadata"]["_metrics"] == {"auc": 0.91, "lift": "NaN", "loss": "Infinity"}
    assert row.metrics == {"auc": 0.91, "lift": None, "loss": math.inf}
    assert repr(row.hyperparameters["units"]) == "8"
    assert row.run == run_id(1)
    assert (row.place, row.model, row.state) == ("dev", "seat", "succeeded")
    assert row.started == "2026-03-01T12:00:00+00:00"
    assert row.seconds == 12.5
    assert row.blessed is True
    assert row.published == "/seat/1"
    assert row.decision == "published: it is good"
    assert row.gate == "auc"
    assert row.commit == "a" * 40


def test_a_refused_and_a_failed_run_are_read_back(google, dev):
    add_job(google, dev, 1)
    decision = {"blessed": False, "published": None, "reason": "it is bad"}

    sent(dev, state="failed", gate=[], decision=decision)

    _, row = kept(google, dev)
    assert row.state == "failed"
    assert row.blessed is False
    assert row.published is None
    assert row.gate is None


@pytest.mark.parametrize(("calls", "answer"), KILLS)
def test_a_run_that_was_cut_off_is_whole_once_when_it_is_sent_again(google, dev, calls, answer):
    add_job(google, dev, 1)
    passed = [Fault("POST", "contexts", PASSED)] * calls
    google.faults += [*passed, Fault("POST", "contexts", answer)]
    tracker = VertexExperiments(dev)

    with pytest.raises(UnreachableError):
        sent(dev)
    whole_runs = tracker.runs()
    sent(dev)

    assert whole_runs == ({run_id(1)} if (calls, answer) == (3, LOST) else set())
    assert set(contexts(google, dev, "system.ExperimentRun")) == {RUN}
    assert set(contexts(google, dev, "system.Experiment")) == {EXPERIMENT}
    assert named(kept(google, dev)[0]) == [EXPERIMENT]
    assert named(contexts(google, dev, "system.PipelineRun")[run_id(1)]) == ["dev-seat", RUN]
    assert tracker.runs() == {run_id(1)}


def test_a_job_that_never_started_is_tracked_without_its_context(google, dev):
    add_job(google, dev, 2)

    sent(dev)

    assert VertexExperiments(dev).runs() == {run_id(1)}


def test_a_run_that_was_deleted_while_it_was_sent_is_not_taken_for_sent(google, dev):
    add_job(google, dev, 1)
    google.faults.append(Fault("POST", f"{EXPERIMENT}:addContextChildren", 404))

    with pytest.raises(UnreachableError, match=f"{RUN} was deleted while it was sent"):
        sent(dev)


def test_a_project_without_a_store_is_told(google, dev):
    with pytest.raises(UnreachableError, match="Vertex Experiments is not there in mill-dev"):
        sent(dev)


def test_a_run_that_vertex_refuses_is_no_reason_to_send_no_other(google, dev):
    add_job(google, dev, 1)
    google.faults.append(Fault("POST", f"contextId={RUN}", 400))

    with pytest.raises(RunError) as caught:
        sent(dev)

    assert not isinstance(caught.value, UnreachableError)


def test_what_is_too_long_is_cut_and_the_cut_is_told(google, dev):
    add_job(google, dev, 1)
    metrics = {f"m{number:06}": 0.123456789 for number in range(10_000)}
    records = run_summary(1)["records"] | {"hyperparameters": {"text": "x" * 150_000, "units": 8}}

    sent(dev, metrics=metrics, records=records)

    context, row = kept(google, dev)
    assert len(json.dumps(context["metadata"])) <= 200_000
    assert row.hyperparameters["units"] == 8
    dropped = 10_000 - len(row.metrics)
    assert f"{dropped:,} of 10,000 metrics" in context["description"]
    assert dropped > 0


def test_a_long_name_is_cut_and_told(google, dev):
    add_job(google, dev, 1)
    name = "r" * 200

    sent(dev, run=name)

    [(id_, context)] = contexts(google, dev, "system.ExperimentRun").items()
    assert len(id_) <= 128
    assert context["displayName"] == "r" * 128
    assert context["description"] == f"Cut, summary.json has it: the end of its name, {name}"
    assert experiment_run.row(context).run == name


@given(st.text(min_size=1), st.text(min_size=1))
def test_the_id_of_any_run_is_within_the_limits_and_its_own(one, other):
    ids = [experiment_run.id_of(EXPERIMENT, run) for run in (one, other)]

    assert all(re.fullmatch(r"[a-z0-9-]{4,128}", id_) for id_ in ids)
    assert all(len(id_) <= 122 for id_ in ids)  # and the hyphen between
    assert (ids[0] == ids[1]) is (one == other)


WAITS = "seat: the run waits for Vertex Experiments, `runs sync --env dev` sends it: "


@pytest.mark.parametrize("fault", [HANGS, TRICKLES])
def test_a_delivery_waits_seconds_for_a_tracker_that_never_answers(dev, monkeypatch, fault):
    monkeypatch.setattr(stage_outbox, "DELIVERY_SECONDS", 0.7)
    with broken_server(fault) as broken:
        monkeypatch.setenv(ENDPOINT, broken.url)
        warning = stage_outbox.track(dev, run_summary(1))

    assert warning == f"{WAITS}no answer within 0.7 s"


@pytest.mark.parametrize("fault", [429, 503, 403, CLOSES])
def test_a_tracker_that_refuses_costs_a_delivery_one_sentence(dev, monkeypatch, fault):
    monkeypatch.setattr(stage_outbox, "DELIVERY_SECONDS", 60)
    with broken_server(fault) as broken:
        monkeypatch.setenv(ENDPOINT, broken.url)
        warning = stage_outbox.track(dev, run_summary(1))

    assert warning.startswith(WAITS)
    assert "no answer within" not in warning
    assert "\n" not in warning
    assert len(warning) < 500


def test_a_stage_without_a_tracker_asks_nothing(google, dev):
    untracked_stage = Stage(replace(dev.settings, tracker="none"))

    warning = stage_outbox.track(untracked_stage, run_summary(1))

    assert warning is None
    assert google.requests == []


def test_the_import_asks_nothing_and_needs_no_library_of_googles():
    program = (
        "import sys; import pipeline.tracking.stage_outbox; "
        "sys.exit('google.cloud.aiplatform' in sys.modules)"
    )
    process = subprocess.run([sys.executable, "-c", program], cwd=REPOSITORY)

    assert process.returncode == 0
