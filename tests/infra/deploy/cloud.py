"""A cloud on this machine: a state server, and Google's APIs or the provider's stand-in.

The real provider gets Google's APIs. In the cloud one service keeps the state's bucket and makes
it; here the state server is told of each bucket that the provider has made.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any, Self
from urllib.request import Request, urlopen

from environments import ENVIRONMENTS
from settings import Settings
from tests.standins.google.apis import GoogleApis
from tests.standins.terraform.provider import Provider, choose
from tests.standins.terraform.state_server import StateServer

Names = set[str]
Body = dict[str, Any]
APIS_STAY_ON = ("service_usage", "google_project_service")


def endpoint_name(settings: Settings, model: str) -> str:
    place = f"projects/{settings.project_id}/locations/{settings.region}"
    return f"{place}/endpoints/{settings.names.endpoint(model)}"


class Cloud:
    def __init__(self, directory: Path) -> None:
        self.provider: Provider = choose(directory / "mirror")
        self.state = StateServer(directory / "state")
        numbers = {}
        for settings in ENVIRONMENTS.values():
            numbers[settings.project_id] = str(settings.project_number)
        self.google = GoogleApis(project_numbers=numbers)
        self._files = directory / "objects"
        self._bucket_files = self._files / "google_storage_bucket"
        self._seconds = "0"
        self._over = threading.Event()
        self._told: Names = set()

    def __enter__(self) -> Self:
        self.state.__enter__()
        self.google.__enter__()
        self._watch = threading.Thread(target=self._tell_of_buckets, daemon=True)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._watch.join(5)
        self.google.__exit__()
        self.state.__exit__()

    def environment(self) -> dict[str, str]:
        mirror = {}
        if self.provider.plugin_dir:
            mirror["TF_CLI_ARGS_init"] = f"-plugin-dir={self.provider.plugin_dir}"
        standin = {
            "ESTEIRA_STANDIN_OBJECTS": str(self._files),
            "ESTEIRA_STANDIN_SECONDS": self._seconds,
        }
        quiet = {
            "TF_CLI_CONFIG_FILE": os.devnull,
            "CHECKPOINT_DISABLE": "1",
            "CDKTF_DISABLE_PLUGIN_CACHE_ENV": "1",
        }
        return {
            **os.environ,
            **self.google.environment(),
            **self.state.environment(),
            **standin,
            **quiet,
            **mirror,
        }

    @property
    def real(self) -> bool:
        return self.provider.kind == "real"

    def objects(self) -> Names:
        """Every object but APIs: those stay on."""
        if self.real:
            names = {f"{product}/{name}" for product, name in self.google.objects}
        else:
            files = self._files.glob("*/*.json")
            names = {str(file.relative_to(self._files)) for file in files}
        return {name for name in names if not name.startswith(APIS_STAY_ON)}

    def take_time(self, seconds: float) -> None:
        """How long the stand-in provider takes for each creation; the real one takes its own."""
        self._seconds = str(seconds)

    def add_github_token(self, project: str, secret: str) -> None:
        """A person's step after bootstrap."""
        if self.real:
            self.google.add_secret_version(project, secret)

    def switch_versioning_off(self, bucket: str) -> None:
        """A change from outside."""
        if self.real:
            self.google.change("storage", f"b/{bucket}", versioning={"enabled": False})
        else:
            file = self._bucket_files / f"{bucket}.json"
            attributes = json.loads(file.read_text())
            [versioning] = attributes["versioning"]
            versioning["enabled"] = False
            text = json.dumps(attributes)
            file.write_text(text)

    def deploy_a_model(self, settings: Settings, model: str) -> Names:
        """Do a delivery's work, unknown to Terraform; return the objects it adds."""
        earlier_objects = self.objects()
        place = f"projects/{settings.project_id}/locations/{settings.region}"
        version = self._post(f"{place}/models:upload", {"model": {"displayName": model}})
        endpoint = endpoint_name(settings, model)
        self._post(f"{endpoint}:deployModel", {"deployedModel": {"model": version["model"]}})
        return self.objects() - earlier_objects

    def keep_running(self, settings: Settings, model: str, machine_type: str, count: int) -> None:
        """Have the model's endpoint say that one version runs on as many machines; 0 is none."""
        endpoint = endpoint_name(settings, model)
        if self.real:
            spec = {"machineSpec": {"machineType": machine_type}, "minReplicaCount": count}
            deployed_models = [{"id": "1", "dedicatedResources": spec}]
            self.google.change("vertex_ai", endpoint, deployedModels=deployed_models[:count])
            return
        name = endpoint.replace("/", "__")
        file = self._files / f"google_vertex_ai_endpoint/{name}.json"
        attributes = json.loads(file.read_text())
        deployed_models = [_deployed_model(machine_type, count)]
        attributes["deployed_models"] = deployed_models[:count]
        text = json.dumps(attributes)
        file.write_text(text)

    def undeploy_models(self, settings: Settings, model: str) -> None:
        """Do the part of `release retire` on Vertex."""
        endpoint = endpoint_name(settings, model)
        for deployed_model in self.google.objects["vertex_ai", endpoint]["deployedModels"]:
            self._post(f"{endpoint}:undeployModel", {"deployedModelId": deployed_model["id"]})

    def has_endpoint(self, settings: Settings, model: str) -> bool:
        return ("vertex_ai", endpoint_name(settings, model)) in self.google.objects

    def _post(self, path: str, body: Body) -> Body:
        text = json.dumps(body)
        request = Request(
            f"{self.google.url}/vertex_ai/{path}",
            text.encode(),
            {"content-type": "application/json"},
        )
        with urlopen(request, timeout=5) as answer:
            operation = json.load(answer)
        return operation["response"]

    def _buckets(self) -> Names:
        if not self.real:
            return {file.stem for file in self._bucket_files.glob("*.json")}
        buckets = set()
        for product, name in list(self.google.objects):
            parts = name.split("/")
            if product == "storage" and len(parts) == 2:
                buckets.add(parts[1])
        return buckets

    def _tell_of_buckets(self) -> None:
        while not self._over.wait(0.05):
            for bucket in self._buckets() - self._told:
                self.state.make_bucket(bucket)
                self._told.add(bucket)


def _deployed_model(machine_type: str, count: int) -> Body:
    """As the provider's schema has it; what it does not say is null there."""
    spec = {"machine_type": machine_type, "accelerator_count": None, "accelerator_type": None}
    resources = {
        "machine_spec": [spec],
        "min_replica_count": count,
        "max_replica_count": count,
        "autoscaling_metric_specs": [],
    }
    lists = {"automatic_resources": [], "private_endpoints": []}
    unsaid = dict.fromkeys(
        (
            "create_time",
            "display_name",
            "enable_access_logging",
            "enable_container_logging",
            "id",
            "model",
            "model_version_id",
            "service_account",
            "shared_resources",
        )
    )
    return {**unsaid, **lists, "dedicated_resources": [resources]}
