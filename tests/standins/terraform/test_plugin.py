"""One life of a few resources under the stand-in provider.

They are made, found as they were, changed by others, refused, guarded, destroyed.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.standins.terraform import provider
from tests.standins.terraform.provider import IN_MIRROR, choose, stand_in, system

ACCOUNT = (
    "google_service_account/"
    "projects__mill-dev__serviceAccounts__pipeline@mill-dev.iam.gserviceaccount.com.json"
)
TABLE = {"dataset_id": "${google_bigquery_dataset.verdicts.dataset_id}", "table_id": "verdicts"}
RESOURCES: dict[str, Any] = {
    "google_service_account": {
        "pipeline": {"account_id": "pipeline", "description": "runs pipelines"}
    },
    "google_storage_bucket": {
        "runs": {
            "name": "runs",
            "location": "EU",
            "lifecycle_rule": {"action": {"type": "Delete"}, "condition": {"age": 9}},
        }
    },
    "google_storage_bucket_iam_member": {
        "m": {
            "bucket": "${google_storage_bucket.runs.name}",
            "role": "roles/viewer",
            "member": "${google_service_account.pipeline.member}",
        }
    },
    "google_pubsub_topic": {
        "retrain": {
            "name": "retrain",
            "labels": {"own": "${google_service_account.pipeline.unique_id}"},
        }
    },
    "google_cloudbuild_trigger": {
        "retrain": {
            "location": "eu",
            "name": "retrain",
            "pubsub_config": {"topic": "${google_pubsub_topic.retrain.id}"},
        }
    },
    "google_monitoring_alert_policy": {
        name: {
            "display_name": "same",
            "combiner": "OR",
            "conditions": {"display_name": "log", "condition_matched_log": {"filter": "a"}},
        }
        for name in ("first", "second")
    },
    "google_bigquery_dataset": {"verdicts": {"dataset_id": "verdicts"}},
    "google_bigquery_table": {"verdicts": TABLE},
}
OUTPUTS = {
    "trigger_topic": "${google_cloudbuild_trigger.retrain.pubsub_config[0].topic}",
    "labels": "${google_pubsub_topic.retrain.effective_labels}",
    "alerts": (
        "${sort([google_monitoring_alert_policy.first.name, "
        "google_monitoring_alert_policy.second.name])}"
    ),
}


REQUIRED = {"google": {"source": "hashicorp/google", "version": "6.50.0"}}
CONFIGURATION = {
    "terraform": {"required_providers": REQUIRED},
    "provider": {
        "google": {"project": "mill-dev", "region": "eu", "default_labels": {"stage": "dev"}}
    },
    "output": {name: {"value": value} for name, value in OUTPUTS.items()},
}


class Terraform:
    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.objects = directory / "objects"
        self.bucket = self.objects / "google_storage_bucket/runs.json"
        self.environment = os.environ | {
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "ESTEIRA_STANDIN_OBJECTS": str(self.objects),
        }

    def write(self, resources: dict[str, Any]) -> None:
        configuration = CONFIGURATION | {"resource": resources}
        file = self.directory / "main.tf.json"
        file.write_text(json.dumps(configuration))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["terraform", *arguments, "-no-color"]
        return subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def plan(self) -> str:
        """The changes; empty if the plan is."""
        process = self.run("plan", "-detailed-exitcode", "-input=false")
        assert process.returncode in (0, 2), process.stderr
        return process.stdout if process.returncode else ""

    def outputs(self) -> dict[str, Any]:
        process = self.run("output", "-json")
        document = json.loads(process.stdout)
        return {name: output["value"] for name, output in document.items()}


def test_resources_live_in_files_and_every_change_to_them_is_seen(tmp_path):
    terraform = Terraform(tmp_path)
    provider = stand_in(tmp_path / "mirror")
    terraform.write(RESOURCES)
    init = terraform.run(*provider.init())
    assert init.returncode == 0

    check_creation(terraform)
    check_changes_by_others(terraform)
    check_refusal_of_an_existing_object(terraform)
    check_guarded_table(terraform)


def check_creation(terraform: Terraform) -> None:
    process = terraform.run("apply", "-auto-approve")
    assert process.returncode == 0, process.stderr
    outputs = terraform.outputs()
    plan = terraform.plan()

    assert outputs["trigger_topic"] == "projects/mill-dev/topics/retrain"
    assert outputs["labels"] == {
        "goog-terraform-provisioned": "true",
        "stage": "dev",
        "own": "123456789012",
    }
    assert outputs["alerts"] == [
        "projects/mill-dev/alertPolicies/1",
        "projects/mill-dev/alertPolicies/2",
    ]
    assert plan == ""


def check_changes_by_others(terraform: Terraform) -> None:
    account = terraform.objects / ACCOUNT
    text = account.read_text()
    account.write_text(text.replace("runs pipelines", "changed"))
    terraform.bucket.unlink()

    plan = terraform.plan()

    assert '"changed" -> "runs pipelines"' in plan
    assert "google_storage_bucket.runs will be created" in plan


def check_refusal_of_an_existing_object(terraform: Terraform) -> None:
    terraform.bucket.write_text("{}")
    terraform.run("state", "rm", "google_storage_bucket.runs")

    process = terraform.run("apply", "-auto-approve")

    assert "runs already exists." in process.stderr


def check_guarded_table(terraform: Terraform) -> None:
    refused = terraform.run("destroy", "-auto-approve")
    unguarded = {**TABLE, "deletion_protection": False}
    terraform.write({**RESOURCES, "google_bigquery_table": {"verdicts": unguarded}})
    terraform.bucket.unlink()
    applied = terraform.run("apply", "-auto-approve")
    destroyed = terraform.run("destroy", "-auto-approve")

    files = list(terraform.objects.rglob("*.json"))
    assert "without setting deletion_protection=false" in refused.stderr
    assert applied.returncode == 0
    assert destroyed.returncode == 0, destroyed.stderr
    assert files == []


def test_the_provider_of_a_mirror_is_the_real_one(tmp_path, monkeypatch):
    monkeypatch.setenv("TF_PROVIDER_MIRROR", str(tmp_path))
    message = "TF_PROVIDER_MIRROR must be the absolute path of a Terraform mirror that holds"

    with pytest.raises(ValueError, match=message):
        choose(tmp_path)
    program = tmp_path / IN_MIRROR / system() / "terraform-provider-google_v6.50.0"
    program.parent.mkdir(parents=True)
    program.touch()
    choice = choose(tmp_path)

    assert choice.kind == "real"
    assert choice.plugin_dir == tmp_path


def test_without_mirror_and_registry_there_is_the_stand_in(tmp_path, monkeypatch):
    monkeypatch.delenv("TF_PROVIDER_MIRROR", raising=False)
    monkeypatch.setattr(provider, "REGISTRY", "http://127.0.0.1:1/")

    choice = choose(tmp_path)

    assert choice.kind == "stand-in"
    assert choice.plugin_dir == tmp_path
    assert "values the real provider would refuse" in choice.does_not_prove
