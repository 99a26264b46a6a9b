"""The differences between two runs of the pipeline, as one value.

`here` and `cloud` are the two ways to make it.
"""

import hashlib
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

from pipeline import manifest
from pipeline.errors import ConfigurationError, DataError
from pipeline.model import query
from pipeline.model import schema as contract
from pipeline.model.declaration import Declaration
from pipeline.model.folder import ModelFolder
from pipeline.model.window import Window
from settings import Settings, artifacts


@dataclass(frozen=True)
class Modules:
    """The addresses of the model folder's files.

    Each file lies in a folder named by its content, so that a changed file has a new address.
    """

    preprocessing: str
    model: str
    schema: str
    hyperparameters: str

    @classmethod
    def of(cls, folder: ModelFolder, base: str) -> "Modules":
        uri = {file: f"{base}/{folder.sha256(file)}/{Path(file).name}" for file in MODULE_FILES}
        return cls(*(uri[file] for file in MODULE_FILES))


EXPERIMENTS = "-experiments"  # ends the name of their pipeline
# In the order of Modules' fields.
MODULE_FILES = ("preprocessing.py", "model.py", "schema.pbtxt", "hyperparameters/best.json")


@dataclass(frozen=True)
class CsvSource:
    path: str
    sha256: str  # of the file: what the cache keys on
    null_values: tuple[str, ...]
    time_column: str | None = None
    window: Window | None = None  # None: all rows

    @classmethod
    def of(cls, file: Path, null_values: list[str]) -> "CsvSource":
        try:
            with file.open("rb") as content:
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{file}: cannot be read ({error.strerror})") from error
        return cls(str(file), sha256, tuple(null_values))


@dataclass(frozen=True)
class BigQuerySource:
    query: str  # with its window written out
    project: str  # that pays for it
    location: str  # of the datasets that it reads
    time_column: str | None = None
    window: Window | None = None  # the written one


@dataclass(frozen=True)
class FolderDestination:
    """A folder that holds one folder for each version."""

    path: str
    newest: str  # the version that is there: what the Pusher's cache must know beside its inputs


@dataclass(frozen=True)
class VertexDestination:
    """The Terraform-made endpoint, and the registry entry of the versions."""

    project: str
    region: str
    endpoint: str
    registered_model: str
    serving_image: str
    machine_type: str
    min_replicas: int
    max_replicas: int
    service_account: str


@dataclass(frozen=True)
class VertexTraining:
    project: str
    region: str
    machine_type: str
    image: str
    service_account: str


@dataclass(frozen=True)
class PipelineSpec:
    """A run, whose candidate is compared with the last blessed model of `compared_with`.

    That is the pipeline itself, but for an experiment: it has a pipeline of its own, so that none
    of its models is ever the last blessed one, and publishes nothing.
    """

    name: str
    compared_with: str
    model: str
    root: str  # where artifacts go: a folder or a gs:// URI
    declaration: Declaration
    columns: dict[str, str]  # raw column -> INT, FLOAT or BYTES
    served: dict[str, str]
    modules: Modules
    source: CsvSource | BigQuerySource
    destination: FolderDestination | VertexDestination
    training: VertexTraining | None = None  # None: in the Trainer's own node
    # Any argument makes TFX pack its own source for each Beam component, but where they name an
    # image.
    beam_args: tuple[str, ...] = ()
    tune: bool = False

    @property
    def is_experiment(self) -> bool:
        return self.name != self.compared_with


def here(
    folder: ModelFolder, store: Path, *, tune: bool = False, until: date | None = None
) -> PipelineSpec:
    """Describe a run on this machine; it keeps everything below `store`.

    Its data window ends before `until`; None takes all rows. Copies the folder's modules there.
    A folder with changed hyperparameters makes an experiment.
    """
    schema = contract.read(folder)
    source = _csv(folder, until)
    modules = Modules.of(folder, f"{store}/modules")
    uris = (modules.preprocessing, modules.model, modules.schema, modules.hyperparameters)
    for file, uri in zip(MODULE_FILES, uris, strict=True):
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
        Path(uri).write_bytes(folder.content(file))
    published = store / "published"
    name = folder.name.replace("_", "-")  # TFX compiles no name with an underscore
    return PipelineSpec(
        name=f"{name}{EXPERIMENTS}" if folder.changes else name,
        compared_with=name,
        model=folder.name,
        root=str(store),
        declaration=folder.declaration,
        columns=contract.columns(schema),
        served=contract.served_columns(schema),
        modules=modules,
        source=source,
        destination=FolderDestination(str(published), newest=_newest(published)),
        tune=tune,
    )


def _csv(folder: ModelFolder, until: date | None) -> CsvSource:
    """The folder's own data, or its window before `until`."""
    file = folder.source
    if not file.is_file():
        raise DataError(
            f"{file}: there is no such file, {folder.path}/model.toml names it in data.source"
        )
    source = CsvSource.of(file, folder.declaration.data.null_values)
    time_column = folder.declaration.monitoring.time_column
    if until is None:
        return replace(source, time_column=time_column)
    if time_column is None:
        raise ConfigurationError(
            f"{folder.path}/model.toml: monitoring.time_column is missing: "
            f"allowed for a window before {until} is a column that says when a row happened"
        )
    return replace(source, time_column=time_column, window=Window.before(until, folder))


def _newest(published: Path) -> str:
    """The newest version, with its problem if any: the Pusher then publishes another."""
    versions = list(published.glob("[0-9]*"))
    if not versions:
        return ""
    version = max(versions, key=lambda path: path.name)
    file = manifest.inside(version)
    # A version from before has no manifest.
    problem = manifest.problem(version, file) if file.exists() else None
    return f"{version.name}: {problem}" if problem else version.name


def cloud(
    folder: ModelFolder,
    settings: Settings,
    *,
    image: str,
    serving_image: str,
    worker_image: str | None = None,
    end: date,
    tune: bool = False,
) -> PipelineSpec:
    """Describe a run on Vertex Pipelines in `settings`' stage.

    Its data window ends before `end`. Dataflow's workers run in `worker_image`, every node in
    `image`.
    """
    schema = contract.read(folder)
    names = settings.names
    name = names.pipeline(folder.name)
    table = names.data_table(folder.name)
    source = BigQuerySource(
        query.written_out(folder, table, end),
        project=settings.project_id,
        location=query.location(folder, settings.region),
        time_column=folder.declaration.monitoring.time_column,
        window=Window.before(end, folder),
    )
    return PipelineSpec(
        name=name,
        compared_with=name,
        model=folder.name,
        root=f"{names.artifacts_uri}/{artifacts.RUNS}{name}",
        declaration=folder.declaration,
        columns=contract.columns(schema),
        served=contract.served_columns(schema),
        modules=Modules.of(folder, f"{names.artifacts_uri}/{artifacts.MODULES}{folder.name}"),
        source=source,
        destination=destination(settings, folder.name, serving_image),
        training=_training(settings, image),
        beam_args=_beam_args(settings, image, worker_image),
        tune=tune,
    )


def experiment(delivery: PipelineSpec, name: str) -> PipelineSpec:
    """Describe the same run under a name and a root of its own, with nothing pushed.

    It is compared with the delivery's last blessed model, and is nobody's last blessed one.
    """
    runs = delivery.root.removesuffix(delivery.name)
    return replace(
        delivery,
        name=name,
        root=f"{runs}{name}",
    )


def destination(settings: Settings, model: str, serving_image: str) -> VertexDestination:
    """Describe the serving of a model in this stage."""
    return VertexDestination(
        project=settings.project_id,
        region=settings.region,
        endpoint=settings.names.endpoint(model),
        registered_model=settings.names.registered_model(model),
        serving_image=serving_image,
        machine_type=settings.serving.machine_type,
        min_replicas=settings.serving.min_replicas,
        max_replicas=settings.serving.max_replicas,
        service_account=settings.names.service_account_email("server"),
    )


def _training(settings: Settings, image: str) -> VertexTraining | None:
    if not settings.training.machine_type:
        return None
    return VertexTraining(
        settings.project_id,
        settings.region,
        settings.training.machine_type,
        image,
        settings.names.service_account_email("pipeline"),
    )


def _beam_args(settings: Settings, image: str, worker_image: str | None) -> tuple[str, ...]:
    names = settings.names
    common = (
        f"--project={settings.project_id}",
        f"--temp_location={names.artifacts_uri}/{artifacts.SCRATCH}beam",
    )
    if settings.beam_engine == "direct":
        # Nothing starts it: without an image TFX packs its own source for each Beam component.
        return ("--runner=DirectRunner", *common, f"--sdk_container_image={image}")
    if worker_image is None:
        raise ConfigurationError(
            f"beam_engine of {settings.stage} is 'dataflow', and these images were built without "
            "a worker: allowed are images of a later build, which the model's next delivery brings"
        )
    return (
        "--runner=DataflowRunner",
        *common,
        f"--sdk_container_image={worker_image}",
        f"--region={settings.region}",
        f"--service_account_email={names.service_account_email('pipeline')}",
        # Without external addresses the workers need a subnetwork with Private Google Access:
        # https://cloud.google.com/dataflow/docs/guides/routes-firewall. The whole URL, which a
        # shared VPC wants: https://cloud.google.com/dataflow/docs/guides/specifying-networks
        "--no_use_public_ips",
        f"--subnetwork=https://www.googleapis.com/compute/v1/{settings.subnetwork}",
    )
