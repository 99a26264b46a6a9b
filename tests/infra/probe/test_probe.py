"""Each probe tells the project's own answer, whichever it is."""

import dataclasses
import json
import re
import threading

import pytest

import environments
from infra.doctor import calls
from infra.probe import __main__ as probe
from infra.probe.probes import PROBES
from settings import REPOSITORY
from tests.infra.doctor.conftest import DEV, Capture, Machine
from tests.infra.probe.conftest import (
    BUCKET,
    ENDPOINT,
    MODEL,
    MODULE,
    NAMES,
    RECORD,
    Change,
    probed,
    unknown,
    withheld,
)

REQUESTS_TABLES = (
    f"/big_query/v2/projects/{DEV.project_id}/datasets/{NAMES.dataset('requests')}/tables"
)
# of the document's table; the last cell is the team's
ROW = re.compile(r"^\| `([\w-]+)` \| (.+) \| (.+) \| .+ \|$", re.MULTILINE)
BILLED = [probe.name for probe in PROBES if probe.billed]


def unpartition(here: Machine) -> None:
    """Have Vertex make the stage's log table again."""
    here.delete(f"{REQUESTS_TABLES}/cab")
    here.google.unknowns.log_is_partitioned = False
    here.post(f"{ENDPOINT}:predict", {"instances": [{"fare": 1}]})


OTHERWISE: dict[str, Change] = {
    "log-partitioned": unpartition,
    "builder-calls": withheld(RECORD, calls.DELETE),
    "pipeline-calls": withheld(MODULE, calls.GET),
    "server-calls": withheld(MODEL, calls.GET),
    "untagged-image": unknown(deletes_untagged_images=False),
    "message-recipe": unknown(reads_named_branch=False),
    "message-recipe-without-revision": unknown(refuses_missing_revision=False),
    "log-table-made-before": unknown(takes_older_table=False),
    "log-errors": unknown(logs_errors=True),
    "log-request-id": unknown(unique_request_ids=False),
    "log-row-key": unknown(logs_row_keys=False),
    "log-parameters": unknown(logs_parameters=True),
    "log-delay": unknown(log_delay_seconds=0.8),
}


def test_each_probe_is_answered_both_ways() -> None:
    assert list(OTHERWISE) == [probe.name for probe in PROBES]


def test_a_project_that_does_as_is_assumed_passes(stage: Machine, capsys: Capture) -> None:
    code, answers = probed(capsys, "--yes")

    for answer in answers.values():
        assert answer.state == "as assumed", answer
    assert list(answers) == [probe.name for probe in PROBES]
    assert code == 0


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_other_answer_is_told_with_what_follows(
    stage: Machine, name: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    [only] = [probe for probe in PROBES if probe.name == name]
    monkeypatch.setattr(probe, "PROBES", [only])
    _, assumed_answers = probed(capsys, "--yes")
    change = OTHERWISE[name]
    change(stage)

    code, answers = probed(capsys, "--yes")

    assert code == 3
    answer = answers[name]
    assert answer.state == "wrong"
    assert answer.detail != assumed_answers[name].detail
    assert answer.consequence == only.consequence


def test_what_is_billed_waits_for_a_yes(stage: Machine, capsys: Capture) -> None:
    code, answers = probed(capsys)

    states = {name: answer.state for name, answer in answers.items()}
    unknown_names = [name for name, state in states.items() if state == "unknown"]
    assert unknown_names == BILLED
    assert "yes=1" in answers["log-delay"].detail
    assert code == 1
    paths = [path for _, path, _ in stage.google.requests if ":deployModel" in path]
    assert paths == [f"{ENDPOINT}:deployModel"]  # the stage's own


def test_costs_are_said_first(stage: Machine, capsys: Capture) -> None:
    probe.main(["--env", "dev"])

    images, _, endpoints, *_ = capsys.readouterr().err.splitlines()
    assert images == (
        "untagged-image makes an image repository with an image of some bytes, for a minute"
    )
    assert endpoints.startswith("log-table-made-before, ")
    assert endpoints.endswith(
        " would make, with yes=1, two endpoints with one n1-standard-2 each and two log tables, "
        "for about an hour, of which Google bills the machines"
    )


def test_an_interrupt_before_the_first_question_has_made_nothing(
    stage: Machine, capsys: Capture
) -> None:
    stage.google.requests.clear()
    interrupt = threading.Event()
    interrupt.set()

    result = probe.probed(DEV, interrupt, yes=True)

    assert result.code == probe.INTERRUPTED
    assert stage.google.requests == []


def test_a_stage_without_a_delivery_leaves_the_questions_open(
    here: Machine, capsys: Capture
) -> None:
    code, answers = probed(capsys, "--yes")

    assert code == 1
    assert answers["log-partitioned"].state == "unknown"
    assert "has no log table yet" in answers["log-partitioned"].detail
    for name in BILLED:
        assert answers[name].state == "unknown"
        assert answers[name].detail == "dev has registered no model yet: deliver one first"


def test_an_account_is_not_asked_before_the_stage_is_deployed(
    here: Machine, capsys: Capture
) -> None:
    here.delete(f"/storage/v1/b/{BUCKET}")

    _, answers = probed(capsys)

    for account in ("builder", "pipeline", "server"):
        answer = answers[f"{account}-calls"]
        assert answer.state == "unknown"
        assert answer.detail == f"there is no gs://{BUCKET} yet: make deploy env=dev"


def test_the_endpoints_are_made_once_for_all_probes(stage: Machine, capsys: Capture) -> None:
    stage.google.requests.clear()
    stage.google.unknowns.log_delay_seconds = 3600  # so that no probe is answered

    code, answers = probed(capsys, "--yes")

    paths = [path for _, path, _ in stage.google.requests if ":deployModel" in path]
    assert len(paths) == 2
    assert answers["log-delay"].detail.startswith("no row came within")
    assert code == 1


def test_a_folder_without_an_object_leaves_the_account_open(
    stage: Machine, capsys: Capture
) -> None:
    name = MODEL.replace("/", "%2F")
    stage.delete(f"/storage/v1/b/{BUCKET}/o/{name}")

    code, answers = probed(capsys)

    assert code == 1
    assert answers["server-calls"].state == "unknown"
    assert "pipelines/: is not there yet" in answers["server-calls"].detail


def test_who_may_not_take_an_account_s_place_is_told_how(stage: Machine, capsys: Capture) -> None:
    email = NAMES.service_account_email("server")
    path = f"/credentials/projects/-/serviceAccounts/{email}:generateAccessToken"
    stage.answers[path] = 403

    code, answers = probed(capsys)

    assert code == 1
    assert answers["server-calls"].state == "unknown"
    assert "roles/iam.serviceAccountTokenCreator" in answers["server-calls"].detail


def test_an_answer_of_another_form_is_no_traceback(stage: Machine, capsys: Capture) -> None:
    stage.answers["/github/repos/mill/loom/contents/build/retrain.yaml"] = {"message": "moved"}

    code, answers = probed(capsys)

    assert code == 1
    assert answers["message-recipe"].state == "unknown"
    assert "KeyError('content')" in answers["message-recipe"].detail


def test_a_text_in_the_place_of_an_object_is_no_traceback(stage: Machine, capsys: Capture) -> None:
    tables = REQUESTS_TABLES.removeprefix("/big_query/v2/")
    stage.google.change("big_query", f"{tables}/cab", timePartitioning="DAY")

    _, answers = probed(capsys)

    assert answers["log-partitioned"].state == "unknown"
    assert "AttributeError" in answers["log-partitioned"].detail


def test_without_credentials_there_is_one_sentence_with_the_way_to_them(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.delenv("GOOGLE_OAUTH_ACCESS_TOKEN")
    here.install("gcloud", "echo 'credentials were not found' >&2; exit 1")

    code = probe.main(["--env", "dev"])

    assert code == 1
    assert capsys.readouterr().err == (
        "without credentials Google can't be asked; gcloud auth application-default login\n"
    )


def test_an_api_that_is_off_is_told_with_the_command_that_turns_it_on(
    stage: Machine, capsys: Capture
) -> None:
    service = "cloudresourcemanager.googleapis.com"
    metadata = {"service": service, "consumer": "projects/mill-dev"}
    off = {"reason": "SERVICE_DISABLED", "metadata": metadata}
    question = "/crm/projects/mill-dev:testIamPermissions"
    stage.answers[f"Bearer of-an-account {question}"] = (403, {"error": {"details": [off]}})

    _, answers = probed(capsys)

    assert answers["server-calls"].state == "unknown"
    assert answers["server-calls"].detail.startswith(
        f"project: {service} is off; gcloud services enable {service} --project=mill-dev"
    )


def test_an_unknown_stage_is_wrong_usage(here: Machine, capsys: Capture) -> None:
    code = probe.main(["--env", "nowhere"])

    assert code == 2
    assert capsys.readouterr().err == "env is 'nowhere', allowed are dev, prod\n"


def test_a_placeholder_s_project_is_asked_nothing(
    here: Machine, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    settings = dataclasses.replace(DEV, project_id="acme-dev")
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"dev": settings})
    here.google.requests.clear()

    code = probe.main(["--env", "dev"])

    assert code == 2
    assert "'acme-dev', as shipped" in capsys.readouterr().err
    assert here.google.requests == []


def test_the_answer_is_a_line_with_its_assumption_where_that_is_wrong(
    stage: Machine, capsys: Capture
) -> None:
    stage.google.unknowns.deletes_untagged_images = False

    probe.main(["--env", "dev"])

    lines = capsys.readouterr().out.splitlines()
    [line] = [line for line in lines if "untagged-image" in line]
    assert line == (
        "wrong: untagged-image: deleting an untagged image was answered with 400; assumed is: "
        "an untagged image can be deleted where tags are immutable; so "
        "immutable tags would keep every image: tags have to stay mutable"
    )


def test_the_document_has_each_probe_and_its_assumption() -> None:
    text = (REPOSITORY / "docs/google.md").read_text()
    _, _, section = text.partition("## What `make probe` asks")

    rows = ROW.findall(section)

    assert rows == [(probe.name, probe.assumption, probe.consequence) for probe in PROBES]


def test_the_answers_are_json(stage: Machine, capsys: Capture) -> None:
    probe.main(["--env", "dev", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert report["env"] == "dev"
    assert report["leftovers"] == []
