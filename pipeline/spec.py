"""All that varies between two runs of the pipeline, as one value; here and cloud are two ways to make it."""

import hashlib
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from pipeline.errors import ConfigurationError, DataError
from pipeline.model import schema as contract
from pipeline.model.declaration import Declaration
from pipeline.model.folder import ModelFolder
from settings import Settings


@dataclass(frozen=True)
class Modules:
    """Where the folder's files lie, each in a folder named by its content, so that a changed file has a new address."""

    preprocessing: str
    model: str
    schema: str
    hyperparameters: str

    @classmethod
    def of(cls, folder: ModelFolder, base: str) -> "Modules":
        uri = {file: f"{base}/{folder.sha256(file)}/{Path(file).name}" for file in MODULE_FILES}
        return cls(*(uri[file] for file in MODULE_FILES))


MODULE_FILES = (
    "preprocessing.py",
    "model.py",
    "schema.pbtxt",
    "hyperparameters/best.json",
)  # in the order of Modules' fields


@dataclass(frozen=True)
class CsvSource:
    path: str
    sha256: str  # of the file: what the cache keys on
    null_values: tuple[str, ...]

    @classmethod
    def of(cls, file: Path, null_values: list[str]) -> "CsvSource":
        with file.open("rb") as content:
            return cls(
                str(file), hashlib.file_digest(content, "sha256").hexdigest(), tuple(null_values)
            )


@dataclass(frozen=True)
class BigQuerySource:
    query: str  # with its window written out


@dataclass(frozen=True)
class FolderDestination:
    """A folder with one folder a version in it."""

    path: str
    newest: str  # the version that is there: what the Pusher's cache must know beside its inputs


@dataclass(frozen=True)
class VertexDestination:
    """The Terraform-made endpoint and the registry entry that a new version joins."""

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
    name: str
    model: str
    root: str  # where artifacts go: a folder or a gs:// URI
    declaration: Declaration
    columns: dict[str, str]  # raw column -> INT, FLOAT or BYTES
    served: dict[str, str]
    modules: Modules
    source: CsvSource | BigQuerySource
    destination: FolderDestination | VertexDestination
    training: VertexTraining | None = None  # None: in the Trainer's own node
    beam_args: tuple[
        str, ...
    ] = ()  # any makes TFX pack its own source for each Beam component, but where they name an image
    tune: bool = False


def here(folder: ModelFolder, store: Path, *, tune: bool = False) -> PipelineSpec:
    """A run on this machine, with everything it keeps below `store`; copies the folder's modules there."""
    schema = contract.read(folder)
    source = folder.source
    if not source.is_file():
        raise DataError(
            f"{source}: there is no such file, {folder.path}/model.toml names it in data.source"
        )
    modules = Modules.of(folder, f"{store}/modules")
    for file, uri in zip(
        MODULE_FILES,
        (modules.preprocessing, modules.model, modules.schema, modules.hyperparameters),
        strict=True,
    ):
        Path(uri).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(folder.path / file, uri)
    return PipelineSpec(
        name=folder.name.replace("_", "-"),  # TFX compiles no name with an underscore
        model=folder.name,
        root=str(store),
        declaration=folder.declaration,
        columns=contract.columns(schema),
        served=contract.served_columns(schema),
        modules=modules,
        source=CsvSource.of(source, folder.declaration.data.null_values),
        destination=FolderDestination(
            f"{store}/published",
            newest=max((p.name for p in (store / "published").glob("[0-9]*")), default=""),
        ),
        tune=tune,
    )


def cloud(
    folder: ModelFolder,
    settings: Settings,
    *,
    image: str,
    serving_image: str,
    end: date,
    tune: bool = False,
) -> PipelineSpec:
    """A run on Vertex Pipelines of `settings`' environment, over the data window that ends before `end`."""
    schema, names, data = contract.read(folder), settings.names, folder.declaration.data
    machine = settings.training.machine_type
    training = (
        VertexTraining(
            settings.project_id,
            settings.region,
            machine,
            image,
            names.service_account_email("pipeline"),
        )
        if machine
        else None
    )
    begin = end - timedelta(days=data.window_days)
    query = (folder.path / "query.sql").read_text()
    for placeholder, value in {
        "@begin": f'TIMESTAMP("{begin}")',
        "@end": f'TIMESTAMP("{end}")',
        "@table": f"`{names.data_table(folder.name)}`",
    }.items():
        query = query.replace(placeholder, value)
    if "@" in query:
        raise ConfigurationError(
            f"{folder.path}/query.sql: an unknown placeholder @{query.split('@')[1].split()[0]}, allowed are @begin, @end and @table"
        )
    return PipelineSpec(
        name=names.pipeline(folder.name),
        model=folder.name,
        root=f"{names.artifacts_uri}/pipelines/{names.pipeline(folder.name)}",
        declaration=folder.declaration,
        columns=contract.columns(schema),
        served=contract.served_columns(schema),
        modules=Modules.of(folder, f"{names.artifacts_uri}/modules/{folder.name}"),
        source=BigQuerySource(query),
        destination=destination(settings, folder.name, serving_image),
        training=training,
        beam_args=_beam_args(settings, image),
        tune=tune,
    )


def destination(settings: Settings, model: str, serving_image: str) -> VertexDestination:
    """Where a model of that environment is served."""
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


def _beam_args(settings: Settings, image: str) -> tuple[str, ...]:
    names = settings.names
    common = (
        f"--project={settings.project_id}",
        f"--temp_location={names.artifacts_uri}/tmp/beam",
        f"--sdk_container_image={image}",
    )
    if settings.beam_engine == "direct":
        return ("--runner=DirectRunner", *common)
    return (
        "--runner=DataflowRunner",
        *common,
        f"--region={settings.region}",
        f"--service_account_email={names.service_account_email('pipeline')}",
        "--no_use_public_ips",
    )
