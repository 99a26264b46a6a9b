"""The engine answers good requests and names the fault of bad ones.

The serving check asks it as a hostile client would.
"""

import json
import os
import shutil
import signal
import subprocess
import sys

import pytest

from pipeline.components import serving_check
from pipeline.serving import engine_process
from pipeline.serving.engine import Engine
from pipeline.serving.examples import InstanceError


@pytest.fixture(scope="module")
def model(trained):
    return trained.model


@pytest.fixture(scope="module")
def engine(model):
    return Engine(model)


def problems_at_its_sample(model, engine):
    """The serving check's findings for the model's own sample."""
    return serving_check.check(str(model), [engine.sample])


def test_the_sample_is_answered_with_one_score_an_instance(engine):
    first, second = engine.predict([engine.sample, engine.sample])

    assert 0 < first == second < 1


def test_an_answer_does_not_depend_on_its_neighbours(engine):
    [alone] = engine.predict([engine.sample])
    _, among_others, _ = engine.predict([{}, engine.sample, {"fare": 1e9}])

    assert among_others == pytest.approx(alone, abs=1e-6)


def test_every_signature_can_be_asked(engine):
    [features] = engine.predict([engine.sample], "transform_features")

    assert "big_tip" in features
    assert len(features) > 5


def test_a_row_key_changes_no_answer(engine):
    [plain] = engine.predict([engine.sample])
    [keyed] = engine.predict([{**engine.sample, "_key": "order 4711"}])

    assert keyed == plain


@pytest.mark.parametrize("value", ["", "x" * 257, 1, None, ["a"]])
def test_a_row_key_is_a_short_text(engine, value):
    with pytest.raises(InstanceError, match=r"instance 0: _key is .* a string of 1 to 256"):
        engine.predict([{**engine.sample, "_key": value}])


def test_no_model_is_given_a_row_key(engine):
    [record] = engine.encode([{**engine.sample, "_key": "order 4711"}])

    assert record == engine.encode([engine.sample])[0]


def test_no_instances_are_no_answers(engine):
    assert engine.predict([]) == []


@pytest.mark.parametrize(
    ("instance", "says"),
    [
        (7, "instance 0 is 7"),
        (
            {"fare": "much"},
            "instance 0: the feature fare is 'much', allowed is a finite number or null",
        ),
        ({"fare": True}, "the feature fare is True"),
        ({"fare": float("inf")}, "the feature fare is inf"),
        ({"fare": 1e300}, "the feature fare is 1e+300"),
        ({"trip_start_hour": 3.5}, "the feature trip_start_hour is 3.5, allowed is a whole number"),
        ({"trip_start_hour": 2**63}, "the feature trip_start_hour is 9223372036854775808"),
        ({"payment_type": 3}, "the feature payment_type is 3, allowed is a string"),
        ({"tips": 1.0}, "the feature 'tips' is unknown"),
        ({"x" * 500: 1}, "..."),
    ],
)
def test_an_instance_at_fault_is_named_with_its_feature(engine, instance, says):
    with pytest.raises(InstanceError) as refusal:
        engine.predict([instance])

    sentence = str(refusal.value)
    assert says in sentence
    assert len(sentence) < 600


def test_an_unknown_signature_is_told_which_there_are(engine):
    with pytest.raises(
        InstanceError,
        match=r"signature is 'predict', allowed are serving_default, transform_features",
    ):
        engine.predict([engine.sample], "predict")


def test_the_check_finds_nothing_wrong_with_a_good_model(model, engine):
    problems = serving_check.check(str(model), [engine.sample, {"fare": 3.0}])

    assert problems == []


def test_the_check_says_that_a_model_does_not_load(model, tmp_path):
    broken = shutil.copytree(model, tmp_path / "broken")
    (broken / "saved_model.pb").write_bytes(b"no graph")

    [problem] = serving_check.check(str(broken), [{}])

    assert "the engine died at the sample" in problem


def test_an_engine_started_ahead_serves_the_next_check_and_no_other(model, engine):
    with engine_process.spare_engine() as spare_engine:
        first = problems_at_its_sample(model, engine)
        used = spare_engine.returncode
        second = problems_at_its_sample(model, engine)

    assert first == []
    assert used == 0
    assert second == []


def test_an_engine_that_died_before_it_had_a_model_is_not_the_models_fault(model, engine):
    with engine_process.spare_engine() as spare_engine:
        spare_engine.kill()
        spare_engine.wait()

        problems = problems_at_its_sample(model, engine)

    assert problems == []


def test_an_engine_that_no_check_took_ends_with_the_run():
    with engine_process.spare_engine() as spare_engine:
        pass

    assert spare_engine.returncode == -signal.SIGKILL


def test_an_engine_that_a_check_took_outlives_the_run_that_is_cut_off():
    with engine_process.spare_engine() as spare_engine:
        engine = engine_process._take_spare()

    with spare_engine:
        assert engine is spare_engine
        assert spare_engine.poll() is None


def test_ctrl_c_does_not_reach_an_engine():
    with engine_process.spare_engine() as spare_engine:
        engine_group = os.getpgid(spare_engine.pid)
        own_group = os.getpgid(0)

    assert engine_group != own_group


def test_an_engine_ends_where_its_input_does():
    with engine_process.spare_engine() as spare_engine:
        spare_engine.stdin.close()

        assert spare_engine.wait(60) == 0


def test_an_engine_that_does_not_answer_is_ended_and_said(model, engine, monkeypatch):
    monkeypatch.setattr(engine_process, "TIMEOUT_SECONDS", 1)
    with engine_process.spare_engine() as spare_engine:
        os.kill(spare_engine.pid, signal.SIGSTOP)

        problems = problems_at_its_sample(model, engine)

    assert problems == ["the engine died at the sample: no answer within 1 s"]
    assert spare_engine.returncode == -signal.SIGKILL


def test_a_model_that_hangs_does_not_outlive_its_caller_for_ever():
    program = (
        "import time; from pipeline.serving import engine; engine.LIFE_SECONDS, engine.Engine "
        "= 1, lambda _: time.sleep(60); engine.main()"
    )

    process = subprocess.run(
        [sys.executable, "-c", program],
        input='"model"\n',
        text=True,
        timeout=60,
        capture_output=True,
    )

    assert process.returncode == -signal.SIGALRM


def test_what_the_model_says_of_itself_is_in_its_folder(model):
    text = (model / "assets.extra/serving.json").read_text()

    serving = json.loads(text)
    features = serving["features"]
    assert serving["model"] == "cab"
    assert "tips" not in features
    assert features["fare"] == "FLOAT"
