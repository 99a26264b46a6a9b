"""What is used of Google's clients, which carry no types here.

Each protocol is named by the class that it stands for, and holds no more than has a user.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import IO, Any, Protocol


class Response(Protocol):
    """Of requests."""

    content: bytes
    headers: Mapping[str, str]
    ok: bool
    status_code: int
    url: str

    def json(self) -> Any: ...

    def iter_content(self, chunk_size: int) -> Iterable[bytes]: ...

    def __enter__(self) -> "Response": ...

    def __exit__(self, *error: object) -> None: ...


class Blob(Protocol):
    """Of google.cloud.storage."""

    name: str
    generation: str | int | None

    def download_as_bytes(self) -> bytes: ...

    def upload_from_string(
        self, data: bytes | str, content_type: str = ..., *, if_generation_match: int = ...
    ) -> None: ...


class Bucket(Protocol):
    """Of google.cloud.storage."""

    name: str

    def blob(self, blob_name: str) -> Blob: ...

    def list_blobs(self, *, prefix: str) -> Iterable[Blob]: ...


class Field(Protocol):
    """Of google.cloud.bigquery, SchemaField."""

    name: str
    field_type: str
    mode: str


class TimePartitioning(Protocol):
    """Of google.cloud.bigquery."""

    field: str | None
    expiration_ms: int | None


class Table(Protocol):
    """Of google.cloud.bigquery."""

    dataset_id: str
    table_id: str
    description: str | None
    labels: Mapping[str, str]
    modified: datetime
    num_bytes: int | None
    schema: Sequence[Field]
    streaming_buffer: object | None
    table_type: str
    time_partitioning: TimePartitioning | None


class Row(Protocol):
    """Of google.cloud.bigquery."""

    def __getitem__(self, key: str) -> Any: ...


class LoadJob(Protocol):
    """Of google.cloud.bigquery."""

    output_rows: int

    def result(self) -> object: ...


class QueryJob(Protocol):
    """Of google.cloud.bigquery."""

    referenced_tables: Iterable[object]

    def result(self) -> Iterable["Row"]: ...


class BigQuery(Protocol):
    """Of google.cloud.bigquery, Client."""

    def get_dataset(self, dataset_ref: str, *, retry: object = ...) -> object: ...

    def get_table(self, table: str) -> Table: ...

    def query(self, query: str, *, job_config: object) -> QueryJob: ...

    def load_table_from_file(
        self, file_obj: IO[bytes], destination: Table, *, rewind: bool, job_config: object
    ) -> LoadJob: ...

    def update_table(self, table: Table, fields: Sequence[str]) -> object: ...

    def create_table(
        self, table: object, *, exists_ok: bool, retry: object = ..., timeout: float = ...
    ) -> object: ...


class Enumerated(Protocol):
    """A member of one of Google's enumerations."""

    name: str


class Trigger(Protocol):
    """Of Cloud Build, BuildTrigger."""

    id: str
    name: str
    resource_name: str


class Build(Protocol):
    """Of Cloud Build."""

    id: str
    status: Enumerated
    log_url: str
    substitutions: Mapping[str, str]


class CloudBuild(Protocol):
    """Of google.cloud.devtools.cloudbuild_v1, CloudBuildClient."""

    def get_build(self, *, request: object, retry: None) -> Build: ...

    def list_build_triggers(self, *, request: object) -> Iterable[Trigger]: ...

    def list_builds(self, *, request: object, retry: None) -> Iterable[Build]: ...


class DeployedModel(Protocol):
    """Of aiplatform.gapic."""

    id: str
    model: str
    model_version_id: str
    create_time: datetime | None


class Prediction(Protocol):
    """Of aiplatform.models."""

    deployed_model_id: str
    predictions: Sequence[object]


class Endpoint(Protocol):
    """Of aiplatform."""

    name: str
    display_name: str
    traffic_split: Mapping[str, int]

    def list_models(self) -> Sequence[DeployedModel]: ...

    def update(self, *, traffic_split: Mapping[str, int]) -> object: ...

    def undeploy(self, deployed_model_id: str) -> object: ...

    def predict(
        self, instances: list[dict[str, Any]], *, parameters: dict[str, str]
    ) -> Prediction: ...


class EnvVar(Protocol):
    """Of aiplatform.gapic."""

    name: str
    value: str


class Container(Protocol):
    """Of aiplatform.gapic, ModelContainerSpec."""

    image_uri: str
    env: Sequence[EnvVar]


class ModelService(Protocol):
    """Of aiplatform.gapic, ModelServiceClient."""

    def update_model(self, *, model: object, update_mask: object) -> object: ...


class RegisteredModel(Protocol):
    """One version of a registry entry; of aiplatform, Model."""

    uri: str
    resource_name: str
    version_id: str
    versioned_resource_name: str
    container_spec: Container
    api_client: ModelService

    def deploy(self, endpoint: Endpoint, **machine: object) -> object: ...


class Task(Protocol):
    """Of aiplatform.gapic, PipelineTaskDetail."""

    task_name: str
    state: Enumerated
    outputs: Mapping[str, Any]


class TaskDetails(Protocol):
    """Of aiplatform.gapic, PipelineJobDetail."""

    task_details: Sequence[Task]


class Status(Protocol):
    """Of google.rpc."""

    message: str


class PipelineJobResource(Protocol):
    """Of aiplatform.gapic, PipelineJob."""

    name: str
    labels: Mapping[str, str]
    state: Enumerated
    error: Status
    job_detail: TaskDetails


class PipelineJob(Protocol):
    """Of aiplatform."""

    name: str
    resource_name: str
    labels: Mapping[str, str]
    gca_resource: PipelineJobResource

    @property
    def state(self) -> object: ...
