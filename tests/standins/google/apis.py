"""A stand-in for Google's REST APIs on loopback.

The real google provider and Google's own clients run against it without a cloud. `with GoogleApis()
as google:` serves each product under its own path; `google.environment()` tells the provider these
paths. `python -m tests.standins.google.apis --port N` serves until it is stopped.
"""

import argparse
import copy
import json
import threading
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple, Self

from tests.standins.google import job_metadata, keys, metadata_contexts
from tests.standins.google.addresses import custom_endpoints
from tests.standins.google.builds import approve
from tests.standins.google.cleanup import clean_up
from tests.standins.google.error import RefusedError
from tests.standins.google.faults import LOST, Fault, refuse, take
from tests.standins.google.products import SOFT_DELETED
from tests.standins.google.registry import Registry, RegistryError
from tests.standins.google.routes import answer
from tests.standins.google.server import Answer, Server, json_answer
from tests.standins.google.store import Body, Call, Key, ModelAnswer, Store
from tests.standins.google.time_series import ENDPOINT, measure
from tests.standins.google.unknowns import Unknowns
from tests.standins.google.verbs import add_version


class Request(NamedTuple):
    method: str
    path: str
    status: int  # LOST where no answer was sent


class GoogleApis:
    def __init__(
        self,
        *,
        port: int = 0,
        project_numbers: Mapping[str, str] | None = None,
        slow_log_metrics: bool = False,
    ) -> None:
        self._store = Store(
            lambda: self.main(),
            project_numbers=project_numbers or {},
            slow_log_metrics=slow_log_metrics,
        )
        self._lock = threading.Lock()
        self.requests: list[Request] = []
        self.faults: list[Fault] = []
        # called in its own thread with each new job
        self.on_pipeline_job: Callable[[Body], None] | None = None
        # likewise, with each build that may start
        self.on_build: Callable[[Body], None] | None = None
        # main's commit, which a message has built; it may ask nothing of the stand-in
        self.main: Callable[[], str] = _unknown_main
        self._server = Server(port, self.respond)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.registry = Registry(f"{self.url}/registry", self._has_immutable_tags, self.unknowns)

    def __enter__(self) -> Self:
        _start_thread(self._server.serve_forever, 0.02)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def serve_forever(self) -> None:
        self._server.serve_forever()

    def environment(self) -> dict[str, str]:
        """Every endpoint known to the provider, so none reaches Google, and the images' host.

        Esteira's own variable names that host. The GCS state backend reads
        GOOGLE_STORAGE_CUSTOM_ENDPOINT too, unless GOOGLE_BACKEND_STORAGE_CUSTOM_ENDPOINT is set.
        """
        return {
            **custom_endpoints(self.url),
            "REGISTRY_EMULATOR_HOST": self.registry.url,
            "GOOGLE_OAUTH_ACCESS_TOKEN": "stand-in",
        }

    @property
    def objects(self) -> dict[tuple[str, str], Body]:
        """The objects by product and name: ("pubsub", "projects/P/topics/T").

        A soft-deleted object is not among them.
        """
        with self._lock:
            return {
                tuple(key): dict(body)
                for key, body in self._store.objects.items()
                if not _is_soft_deleted(body)
            }

    @property
    def policies(self) -> dict[tuple[str, str], Body]:
        """The IAM policies set so far, by the product and name of their object."""
        with self._lock:
            return {tuple(key): dict(policy) for key, policy in self._store.policies.items()}

    @property
    def answers(self) -> dict[str, ModelAnswer]:
        """A deployed model's answers to {instances, parameters}: an HTTP status and a body.

        The key is the deployed model's id or its model's version.
        """
        return self._store.answers

    @property
    def unknowns(self) -> Unknowns:
        """What no document of Google's answers."""
        return self._store.unknowns

    @property
    def entries(self) -> list[Body]:
        """The written log entries, in order."""
        with self._lock:
            return copy.deepcopy(self._store.entries)

    def measure(
        self,
        metric_type: str,
        value: float,
        *,
        at: datetime | None = None,
        resource_type: str = ENDPOINT,
        **labels: str,
    ) -> None:
        """Set a time series' value from now on, or with `at` a point of it at that time.

        The labels endpoint_id, location and resource_container are its resource's, others the
        metric's. A deployed_model_id that is on an endpoint brings that endpoint's with it.
        """
        with self._lock:
            measure(self._store, metric_type, value, at, resource_type, labels)

    def begin_listings_empty(self) -> None:
        """Answer each listing with an empty page first from now on."""
        self._store.empty_first_pages = True

    def make_slowly(self) -> None:
        """Let a creation's operation end when it is looked at, and its resource be there then."""
        self._store.slow_creations = True

    def end_creations(self) -> None:
        """Let all begun creations end."""
        with self._lock:
            for operation in list(self._store.creations):
                self._store.end_creation(operation)

    def withhold(self, name: str, permission: str) -> None:
        """Withhold a permission from everybody on all objects with a name ending in `name`."""
        with self._lock:
            self._store.withheld.add((name, permission))

    def change(self, product: str, name: str, **fields: Any) -> None:
        """Somebody else's change of an object; None removes a field."""
        with self._lock:
            self._store.change(Key(product, name), fields)

    def tell_tasks(self, job: str, details: list[Body]) -> None:
        """Write what the tasks of a job did into its jobDetail and into Vertex ML Metadata."""
        with self._lock:
            job_detail = job_metadata.write(self._store, job, details)
            self._store.change(Key("vertex_ai", job), {"jobDetail": job_detail})

    def age_contexts(self, age: timedelta) -> None:
        """Have each context of Vertex ML Metadata be changed that much earlier."""
        with self._lock:
            for place in self._store.metadata.values():
                metadata_contexts.age(place, age)

    def forget(self, job: str) -> None:
        """Delete a job; its metadata stay."""
        with self._lock:
            self._store.delete(Key("vertex_ai", job))

    def add_secret_version(self, project: str, secret: str) -> None:
        path = f"projects/{project}/secrets/{secret}"
        call = Call("POST", "secret_manager", path, "addVersion", {}, {})
        with self._lock:
            add_version(self._store, call)

    def add_signing_key(self, version: str, algorithm: str = keys.P256) -> None:
        """Make a key of Cloud KMS and this version of it."""
        with self._lock:
            keys.add(self._store, version, algorithm)

    def add_object(self, bucket: str, name: str) -> None:
        """Fill a bucket with one object."""
        body = {"kind": "storage#object", "bucket": bucket, "name": name, "generation": "1"}
        id_ = name.replace("/", "%2F")
        with self._lock:
            self._store.create(Key("storage", f"b/{bucket}/o/{id_}"), body)

    def add_trigger(self, project: str, region: str, name: str, **fields: Any) -> str:
        """A trigger as Terraform would make it, `fields` in the API's own names; answers its id."""
        path = f"/cloud_build/v1/projects/{project}/locations/{region}/triggers"
        content = json.dumps({"name": name, **fields}).encode()
        trigger = json.loads(self.respond("POST", path, content).content)
        return trigger["id"]

    def add_topic(self, project: str, name: str) -> str:
        """Make a topic as Terraform would; return its full name for a trigger to ride on."""
        topic = f"projects/{project}/topics/{name}"
        self.respond("PUT", f"/pubsub/v1/{topic}", b"")
        return topic

    def approve(self, build_id: str) -> None:
        """Somebody's approval of a waiting build."""
        with self._lock:
            approve(self._store, build_id)
        self._tell()

    def respond(self, method: str, target: str, content: bytes, content_type: str = "") -> Answer:
        """The answer to one request, of status LOST if its caller must get none."""
        with self._lock:
            fault = take(self.faults, method, target)
        images = target.startswith("/registry/")
        try:
            if fault:
                refuse(fault, RegistryError if images else RefusedError)
            if images:
                response = self.registry.answer(method, target, content, content_type)
            else:
                response = self._api_answer(method, target, content)
        except RefusedError as error:
            response = json_answer(error.code, error.body)
        if fault and fault.answer == LOST:
            response = Answer(LOST)
        self.requests.append(Request(method, target, response.status))
        self._tell()
        return response

    def clean_up_images(self, project: str, repository: str) -> None:
        """Run the cleanup policies of a repository of images, as Google does about once a day."""
        resource = self._repository(project, repository)
        policies = resource.get("cleanupPolicies", {}).values()
        immutable = self._has_immutable_tags(project, repository)
        clean_up(self.registry, f"{project}/{repository}", policies, immutable)

    def _has_immutable_tags(self, project: str, repository: str) -> bool:
        resource = self._repository(project, repository)
        return bool(resource.get("dockerConfig", {}).get("immutableTags"))

    def _repository(self, project: str, repository: str) -> Body:
        """The repository as it was made, or nothing: a test may put images where none was."""
        for (product, name), body in self.objects.items():
            parts = name.split("/")
            if product == "artifact_registry" and (parts[1], parts[-1]) == (project, repository):
                return body
        return {}

    def _api_answer(self, method: str, target: str, content: bytes) -> Answer:
        with self._lock:
            answered = answer(self._store, Call.parse(method, target, content))
            if not callable(answered):
                return json_answer(200, answered)
        return json_answer(200, answered())

    def _tell(self) -> None:
        """Hand a new resource to its hook; the hook may take its time and ask for more."""
        with self._lock:
            news, self._store.news = self._store.news, []
        hooks = {"pipelineJobs": self.on_pipeline_job, "builds": self.on_build}
        for key, body in news:
            if hook := hooks[key.collection]:
                _start_thread(hook, body)


def _is_soft_deleted(body: Body) -> bool:
    fields = body.items()
    return any(tombstone.items() <= fields for tombstone in SOFT_DELETED.values())


def _unknown_main() -> str:
    raise RefusedError(
        501,
        (
            "a message asks for a build of main, whose commit the stand-in is not told: set "
            "GoogleApis.main"
        ),
    )


def _start_thread(target: Callable[..., Any], *arguments: Any) -> None:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8085)
    arguments = parser.parse_args()
    google = GoogleApis(port=arguments.port)
    print(f"answering on {google.url}", flush=True)
    google.serve_forever()


if __name__ == "__main__":
    main()
