"""What a model was made of, and which of it is gone."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.delivery import git
from pipeline.errors import ConfigurationError, RunError
from pipeline.local import run_names
from pipeline.model.folder import ModelFolder
from pipeline.provenance.capture import UNKNOWN
from settings import MODELS, REPOSITORY
from settings.names import MODEL_NAME

Json = dict[str, Any]


@dataclass(frozen=True)
class Origin:
    """A run, and the run that trained its model: the same one unless the model was cached."""

    run: str
    summary: Json
    trained: str
    trained_summary: Json

    @property
    def model(self) -> str:
        name: str = self.summary["model"]
        return name

    @property
    def code(self) -> Json:
        code: Json = self._facts["code"]
        return code

    @property
    def revision(self) -> str:
        """The commit of the files that trained: the run's own where they differed from HEAD's."""
        return self.code.get("kept") or str(self.code["commit"])

    @property
    def until(self) -> str | None:
        data = self._own_facts["data"]
        window = data.get("window") or {}
        end: str | None = window.get("end")
        return end

    @property
    def data_sha256(self) -> str | None:
        """Of the file of rows; None for a table in BigQuery."""
        data = self._facts["data"]
        digest: str | None = data.get("sha256")
        return digest

    @property
    def flags(self) -> dict[str, str]:
        """The variables of the environment that decided about the arithmetic."""
        training = self._facts["training"]
        flags: dict[str, str] = training["flags"]
        return flags

    @property
    def changes(self) -> Json:
        """The hyperparameters that `run --set` gave, which the files do not hold."""
        parameters = self._own_facts.get("parameters", {})
        changes: Json = parameters.get("set") or {}
        return changes

    @property
    def hyperparameters(self) -> Json:
        values: Json = self._own_facts["hyperparameters"]
        return values

    @property
    def _own_facts(self) -> Json:
        """What the run itself took down, which may have had its model from the cache."""
        facts: Json = self.summary["records"]
        return facts

    @property
    def _facts(self) -> Json:
        """What the run that trained took down."""
        facts: Json = self.trained_summary["records"]
        return facts


def of(runs: Path, name: str) -> Origin:
    """The origin of a run, or of the newest published version of a model.

    Raises ConfigurationError for an unknown name, RunError where the run's summary is no longer
    there.
    """
    run = folder(runs, name)
    summary = run_names.summary(run)
    facts = summary["records"]
    training = facts.get("training")
    if training is None:
        raise RunError(
            f"{run.name} cannot be made again: it trained no model, or is older than provenance is"
        )
    trained = training["run"]
    trained_run = runs / trained
    trained_file = trained_run / run_names.SUMMARY
    if not trained_file.exists():
        raise RunError(
            f"{run.name} cannot be made again: its model was trained by {trained}, "
            "whose summary is gone"
        )
    return Origin(run.name, summary, trained, run_names.summary(trained_run))


def folder(runs: Path, name: str) -> Path:
    """The folder of the run, or of the one that published a model's newest version."""
    is_model = MODEL_NAME.fullmatch(name) is not None and (MODELS / name).is_dir()
    return _run_of_newest(runs, name) if is_model else run_names.folder(runs, name)


def _run_of_newest(runs: Path, model: str) -> Path:
    """The run that published the model's newest version."""
    published = runs / f"store/{model}/published"
    versions = [path for path in published.glob("[0-9]*") if path.name.isdigit()]
    if not versions:
        raise ConfigurationError(
            f"there is no published version of {model} in {published}: name a run"
        )
    newest = max(versions, key=lambda path: int(path.name))
    files = runs.glob(f"*-{model}-*/{run_names.SUMMARY}")
    for file in sorted(files, reverse=True):
        if _published_number(file.parent) == newest.name:
            return file.parent
    raise RunError(f"{newest} cannot be made again: the run that published it is gone")


def _published_number(run: Path) -> str | None:
    """The version that the run published; None for none, and where its summary is damaged.

    The folder of the runs may have been moved since.
    """
    try:
        decision = run_names.summary(run).get("decision") or {}
    except RunError:
        return None
    address = decision.get("published")
    return Path(address).name if address else None


def gone(origin: Origin, artifacts: Mapping[str, Mapping[str, Path]]) -> list[str]:
    """A sentence's part for each thing that a reproduction needs and that is not there."""
    return [*_code_gone(origin), *_data_gone(origin), *artifacts_gone(artifacts)]


def _code_gone(origin: Origin) -> Iterator[str]:
    code = origin.code
    if code.get("not_kept"):
        yield f"the files that ran were not kept ({code['not_kept']})"
    elif code["commit"] == UNKNOWN and not code.get("kept"):
        yield f"the commit is unknown ({code.get('reason')})"
    else:
        try:
            yield from _files_gone(origin)
        except RunError as error:  # git is gone, or its repository
            yield str(error)


def _files_gone(origin: Origin) -> Iterator[str]:
    if git.commit(REPOSITORY, origin.revision) is None:
        yield f"{origin.revision} is not in {REPOSITORY}"
        return
    for file in (f"models/{origin.model}/model.toml", "Pipfile.lock", "build/environment"):
        if not git.has(REPOSITORY, origin.revision, file):
            yield f"{file} is not among the files of {origin.revision}"


def _data_gone(origin: Origin) -> Iterator[str]:
    """Rows that the commit does not hold must be here; a table in BigQuery is not asked."""
    source = source_of(MODELS / origin.model)
    if source is None or _is_committed(origin, source):
        return
    problem = data_problem(origin, source)
    if problem is not None:
        yield problem


def source_of(folder: Path) -> Path | None:
    """The file of rows that a model's folder names.

    None for a folder that is gone, or is no model to this checkout: the run's own may differ.
    """
    try:
        return ModelFolder(folder).source
    except ConfigurationError:
        return None


def _is_committed(origin: Origin, source: Path) -> bool:
    """Whether the commit holds the file of rows."""
    folder = MODELS / origin.model
    if not source.is_relative_to(folder):
        return False
    place = source.relative_to(folder)
    try:
        return git.has(REPOSITORY, origin.revision, f"models/{origin.model}/{place}")
    except RunError:
        return False


def data_problem(origin: Origin, source: Path) -> str | None:
    """Why the file is not the one that was read, or None."""
    if origin.data_sha256 is None:
        return None
    if not source.is_file():
        return f"the data {source} is gone"
    with source.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest == origin.data_sha256:
        return None
    return f"the data {source} has changed ({digest[:12]}, it was {origin.data_sha256[:12]})"


def artifacts_gone(artifacts: Mapping[str, Mapping[str, Path]]) -> Iterator[str]:
    for node, outputs in artifacts.items():
        for folder in outputs.values():
            if not folder.exists():
                yield f"the {node}'s {folder} is gone"
