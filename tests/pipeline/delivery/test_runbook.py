"""The pages of docs/runbook.md, followed word for word against the stand-ins."""

import re
import shlex
from dataclasses import replace

import pytest

from environments import ENVIRONMENTS
from pipeline.__main__ import parser
from pipeline.delivery import record_object
from settings import REPOSITORY
from tests.pipeline.delivery.conftest import (
    DEV,
    FIRST,
    STAGING,
    WARM,
    add_delivery,
    builds,
    edit_record,
    push_version,
    recorded_cab,
)

TEXT = (REPOSITORY / "docs/runbook.md").read_text()
PAGES = re.split(r"^##? ", TEXT, flags=re.MULTILINE)
TITLES = [page.partition("\n")[0] for page in PAGES if "-m pipeline" in page]
ONLY_COMMIT = "c" * 40


def commands(title: str, stage: str = "dev") -> list[list[str]]:
    """The arguments of each of our verbs on the page, in order, values in place of its words."""
    [page] = [page for page in PAGES if page.startswith(f"{title}\n")]
    texts = re.findall(r"`python3\s+-m\s+pipeline\s+([^`]+)`", page)
    return [shlex.split(filled(text, stage)) for text in texts]


def filled(text: str, stage: str) -> str:
    """The command with values in place of its words."""
    values = {
        "ENV": stage,
        "MODEL": "cab",
        "SHA": ONLY_COMMIT,
        "FEATURE": "fare",
        "DATE": "2026-11-20",
        "TEXT": "'a new tariff'",
    }
    for word, value in values.items():
        text = re.sub(rf"\b{word}\b", value, text)
    return text


@pytest.fixture
def two(blob, warm, endpoint, images):
    """Versions 1 and 2 of cab in dev, both recorded, the newer one with all the traffic."""
    ids = {version: push_version(warm, version, images) for version in ("1", "2")}
    endpoint.split({ids["2"]: 100})
    for version, id_ in ids.items():
        delivery = replace(FIRST, commit=ONLY_COMMIT, images=images, registry_version=version)
        add_delivery(warm, "cab", replace(delivery, deployed_model=id_))
    edit_record(warm, images=images)
    return ids


@pytest.fixture
def kept_warm(monkeypatch):
    """The command line's dev keeps its versions on machines."""
    monkeypatch.setitem(ENVIRONMENTS, "dev", WARM)


@pytest.fixture
def triggers(google):
    """The modules triggers of dev and staging."""
    for settings in (DEV, STAGING):
        trigger = settings.names.trigger("modules")
        substitutions = {"_STAGE": settings.stage}
        google.add_trigger(
            settings.project_id, settings.region, trigger, substitutions=substitutions
        )
    return google


def test_going_back_gives_the_version_before_all_the_traffic_and_twice_is_where_it_was(
    two, kept_warm, warm, endpoint, cli
):
    [rollback] = commands("Going back")

    first = cli(*rollback)
    shares = endpoint.shares()
    second = cli(*rollback)

    assert first.code == 0
    assert shares == {two["1"]: 100}
    assert second.code == 0
    assert endpoint.shares() == {two["2"]: 100}
    assert recorded_cab(warm).before.registry_version == "1"


def test_where_nothing_is_kept_warm_the_record_alone_goes_back(two, warm, endpoint, cli):
    [rollback] = commands("Going back")

    result = cli(*rollback)

    assert result.code == 0
    assert recorded_cab(warm).current.registry_version == "1"
    assert endpoint.shares() == {two["2"]: 100}


@pytest.mark.parametrize("title", ["Prediction errors", "Fault"])
def test_a_version_that_answers_wrongly_gives_way_to_the_one_before(
    two, kept_warm, endpoint, cli, title
):
    [rollback] = commands(title)

    result = cli(*rollback)

    assert result.code == 0
    assert endpoint.shares() == {two["1"]: 100}


def test_taking_a_model_away_leaves_its_versions_in_the_registry(two, warm, endpoint, cli):
    [retire] = commands("Taking a model away")

    result = cli(*retire)

    name = DEV.names.registered_model("cab")
    assert result.code == 0
    assert endpoint.deployed() == {}
    assert record_object.read(warm).models == {}
    assert warm.vertex.Model(name, version="2").version_id == "2"


def test_endpoint_idle_takes_the_machines_of_what_has_no_traffic(two, endpoint, cli):
    [undeploy] = commands("Endpoint idle")

    result = cli(*undeploy)

    assert result.code == 0
    assert endpoint.deployed() == {"2": two["2"]}


@pytest.mark.parametrize("title", ["Prediction latency", "Drift", "A model without a baseline"])
def test_a_retraining_starts_the_build_of_the_model_s_own_commit(two, triggers, cli, title):
    [retrain] = [command for command in commands(title) if "--retrain" in command]

    result = cli(*retrain)

    [build] = builds(triggers)
    assert result.code == 0
    assert build["substitutions"]["COMMIT_SHA"] == ONLY_COMMIT
    assert build["substitutions"]["_MODELS"] == "cab"


def test_a_stage_that_did_not_follow_is_asked_again(two, triggers, cli):
    [promote] = commands("Staging or prod did not follow", stage="staging")

    result = cli(*promote)

    [build] = builds(triggers)
    assert result.code == 0
    assert build["substitutions"]["TRIGGER_NAME"] == "staging-modules"
    assert build["substitutions"]["COMMIT_SHA"] == ONLY_COMMIT


def test_a_damaged_record_is_said_and_nothing_is_overwritten(blob, two, cli):
    [rollback] = commands("Going back")
    blob.upload_from_string("{")

    result = cli(*rollback)

    assert result.code == 1
    assert "delivery.json is damaged and left as it is" in result.sentence
    assert blob.download_as_bytes() == b"{"


@pytest.mark.parametrize("title", TITLES)
def test_every_command_is_one_of_the_command_line(title):
    for command in commands(title):
        options = parser().parse_args(command)

        assert options.verb == command[0]


def test_the_page_of_faults_has_a_remedy_for_each():
    described = (REPOSITORY / "docs/monitoring.md").read_text()
    [section] = [part for part in described.split("\n## ") if part.startswith("The faults")]
    [page] = [page for page in PAGES if page.startswith("Fault\n")]
    names = re.findall(r"^\| `([a-z ]+)` \|", section, re.MULTILINE)

    remedies = re.findall(r"`([a-z ]+)`", page)

    assert names
    assert set(names) <= set(remedies)


def test_the_missed_days_are_those_since_a_day_of_all_models():
    [fill] = commands("Monitor silent")

    options = parser().parse_args(fill)

    assert options.models == "all"
    assert options.since == "2026-11-20"


def test_run_failed_compiles_the_very_file_that_it_rehearses(tmp_path, monkeypatch, cli):
    _, compile_here, rehearse = commands("Run failed")
    monkeypatch.chdir(tmp_path)

    result = cli(*compile_here)

    assert result.code == 0
    assert rehearse == ["rehearse", "compiled/local-cab.json"]
    assert (tmp_path / "compiled/local-cab.json").is_file()
