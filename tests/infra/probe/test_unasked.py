"""What a probe can't ask is told with the reason, and what to do about it."""

import dataclasses

import pytest

import environments
from infra.probe import __main__ as probe
from infra.probe.probes import PROBES
from tests.infra.doctor.conftest import DEV, Capture, Machine
from tests.infra.probe.conftest import BUCKET, MODEL, NAMES, Answers, probed

REQUESTS_TABLE = f"projects/{DEV.project_id}/datasets/{NAMES.dataset('requests')}/tables/cab"
BILLED = [probe.name for probe in PROBES if probe.billed]


def left_open(answers: Answers, name: str) -> str:
    """The reason why a probe has no answer."""
    answer = answers[name]
    assert answer.state == "unknown"
    return answer.detail


def test_a_stage_without_a_delivery_leaves_the_questions_open(
    here: Machine, capsys: Capture
) -> None:
    code, answers = probed(capsys, "--yes")

    assert code == 1
    reason = left_open(answers, "log-partitioned")
    assert "has no log table yet" in reason
    for name in BILLED:
        reason = left_open(answers, name)
        assert reason == "dev has registered no model yet: deliver one first"


def test_an_account_is_not_asked_before_the_stage_is_deployed(
    here: Machine, capsys: Capture
) -> None:
    here.delete(f"/storage/v1/b/{BUCKET}")

    _, answers = probed(capsys)

    for account in ("builder", "pipeline", "server"):
        reason = left_open(answers, f"{account}-calls")
        assert reason == f"there is no gs://{BUCKET} yet: make deploy env=dev"


def test_a_folder_without_an_object_leaves_the_account_open(
    stage: Machine, capsys: Capture
) -> None:
    name = MODEL.replace("/", "%2F")
    stage.delete(f"/storage/v1/b/{BUCKET}/o/{name}")

    code, answers = probed(capsys)

    assert code == 1
    reason = left_open(answers, "server-calls")
    assert "pipelines/: is not there yet" in reason


def test_who_may_not_take_an_account_s_place_is_told_how(stage: Machine, capsys: Capture) -> None:
    email = NAMES.service_account_email("server")
    path = f"/credentials/projects/-/serviceAccounts/{email}:generateAccessToken"
    stage.answers[path] = 403

    code, answers = probed(capsys)

    assert code == 1
    reason = left_open(answers, "server-calls")
    assert "roles/iam.serviceAccountTokenCreator" in reason


def test_an_answer_of_another_form_is_no_traceback(stage: Machine, capsys: Capture) -> None:
    stage.answers["/github/repos/mill/loom/contents/build/retrain.yaml"] = {"message": "moved"}

    code, answers = probed(capsys)

    assert code == 1
    reason = left_open(answers, "message-recipe")
    assert "KeyError('content')" in reason


def test_a_text_in_the_place_of_an_object_is_no_traceback(stage: Machine, capsys: Capture) -> None:
    stage.google.change("big_query", REQUESTS_TABLE, timePartitioning="DAY")

    _, answers = probed(capsys)

    reason = left_open(answers, "log-partitioned")
    assert "AttributeError" in reason


def test_an_api_that_is_off_is_told_with_the_command_that_turns_it_on(
    stage: Machine, capsys: Capture
) -> None:
    service = "cloudresourcemanager.googleapis.com"
    metadata = {"service": service, "consumer": "projects/mill-dev"}
    off = {"reason": "SERVICE_DISABLED", "metadata": metadata}
    question = "/crm/projects/mill-dev:testIamPermissions"
    refusal = {"error": {"details": [off]}}
    stage.answers[f"Bearer of-an-account {question}"] = 403, refusal

    _, answers = probed(capsys)

    reason = left_open(answers, "server-calls")
    assert reason.startswith(
        f"project: {service} is off; gcloud services enable {service} --project=mill-dev"
    )


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
