"""A stage that has delivered, in a Google that answers every probe as it is assumed."""

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from infra.doctor import calls, permissions
from infra.probe import __main__ as probe
from infra.probe import logged_endpoints, project, request_log
from infra.probe.answer import Answer
from settings import REPOSITORY
from tests.infra.doctor.conftest import DEV, Capture, Machine
from tests.infra.doctor.conftest import answers as answers
from tests.infra.doctor.conftest import here as here

NAMES = DEV.names
PLACE = f"projects/{DEV.project_id}/locations/{DEV.region}"
BUCKET = NAMES.bucket("artifacts")
ENDPOINT = f"/vertex_ai/v1/{PLACE}/endpoints/{NAMES.endpoint('cab')}"
RECORD, CHANGE, MODULE = "delivery.json", "deliveries/cab/1.json", "modules/cab/01/model.py"
REPORT, MODEL, SCRATCH = "reports/1/report.html", "pipelines/1/model.pb", "tmp/beam/1"
PAGE = "reports/monitoring/cab.html"
Answers = dict[str, Answer]  # by the probe's name


@pytest.fixture
def stage(here: Machine, monkeypatch: pytest.MonkeyPatch) -> Machine:
    monkeypatch.setattr(project, "PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(logged_endpoints, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(logged_endpoints, "WAIT_SECONDS", 2)
    monkeypatch.setattr(request_log, "ROW_SECONDS", 0.5)
    here.google.main = lambda: "c" * 40
    for name in (RECORD, CHANGE, MODULE, REPORT, MODEL, SCRATCH, PAGE):
        here.google.add_object(BUCKET, name)
    link_repository(here)
    for account in ("builder", "pipeline", "server", "monitor"):
        let_act_as(here, account)
    serve(here)
    return here


def link_repository(here: Machine) -> None:
    connections = f"/cloudbuildv2/v2/{PLACE}/connections"
    here.post(f"{connections}?connectionId={NAMES.connection}", {})
    repositories = f"{connections}/{NAMES.connection}/repositories"
    here.post(f"{repositories}?repositoryId={NAMES.linked_repository}", {})
    content = (REPOSITORY / "build/retrain.yaml").read_bytes()
    text = base64.b64encode(content).decode()
    path = "/github/repos/mill/loom/contents/build/retrain.yaml"
    here.answers[path] = {"content": text, "encoding": "base64"}


def let_act_as(here: Machine, account: str) -> None:
    """Let Ada have the account's token; the project allows all that any account needs."""
    email = NAMES.service_account_email(account)
    path = f"/credentials/projects/-/serviceAccounts/{email}:generateAccessToken"
    here.answers[path] = {"accessToken": "of-an-account"}
    needs = {permission for *_, permission in calls.IN_THE_PROJECT}
    allowed = sorted({*needs, *permissions.TELLING.values(), *permissions.READING.values()})
    question = f"/crm/projects/{DEV.project_id}:testIamPermissions"
    here.answers[f"Bearer of-an-account {question}"] = {"permissions": allowed}


def serve(here: Machine) -> None:
    """Register a version, deploy it to the stage's endpoint, and ask that."""
    here.post(
        f"/big_query/bigquery/v2/projects/{DEV.project_id}/datasets",
        {"datasetReference": {"datasetId": NAMES.dataset("requests")}},
    )
    model = {"model": {"displayName": "cab"}, "modelId": NAMES.registered_model("cab")}
    here.post(f"/vertex_ai/v1/{PLACE}/models:upload", model)
    here.google.answers["1"] = serving_answer
    table = f"{DEV.project_id}.{NAMES.dataset('requests')}.{NAMES.request_table('cab')}"
    logging = {
        "enabled": True,
        "samplingRate": 1,
        "bigqueryDestination": {"outputUri": f"bq://{table}"},
    }
    endpoints, _, number = ENDPOINT.rpartition("/")
    body = {"displayName": "cab", "predictRequestResponseLoggingConfig": logging}
    here.post(f"{endpoints}?endpointId={number}", body)
    name = f"{PLACE}/models/{NAMES.registered_model('cab')}"
    here.post(f"{ENDPOINT}:deployModel", {"deployedModel": {"model": name}})
    here.post(f"{ENDPOINT}:predict", {"instances": [{"fare": 1}]})


def serving_answer(request: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """As our server answers: an unknown parameter is a 400."""
    parameters = request.get("parameters", {})
    if parameters.keys() - {"signature"}:
        return 400, {"error": "parameters holds what is not allowed"}
    return 200, {"predictions": [0.5 for _ in request["instances"]]}


def probed(capsys: Capture, *options: str) -> tuple[int, Answers]:
    """The exit code and the answers by name."""
    code = probe.main(["--env", "dev", "--json", *options])
    report = json.loads(capsys.readouterr().out)
    return code, {entry["name"]: Answer(**entry) for entry in report["answers"]}


Change = Callable[[Machine], None]


def unknown(**fields: object) -> Change:
    """Another answer to what no document says."""

    def change(here: Machine) -> None:
        for name, value in fields.items():
            setattr(here.google.unknowns, name, value)

    return change


def withheld(name: str, permission: str) -> Change:
    return lambda here: here.google.withhold(name.replace("/", "%2F"), permission)
