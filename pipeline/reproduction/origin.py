"""What a model was made of."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.local import run_names
from settings import MODELS
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
