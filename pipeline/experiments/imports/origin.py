"""Says what a folder to import is, and refuses what can't be imported."""

from pathlib import Path

from pipeline import places
from pipeline.errors import ConfigurationError
from pipeline.experiments.imports import export
from pipeline.experiments.imports.export import Export

COMET = (
    "a zip as Comet writes it offline, which is not supported: its content is documented nowhere, "
    "export to Neptune's or MLflow's form instead"
)
WANDB = (
    "of W&B's own form, which is not supported: only the package wandb reads it; sync them to a "
    "server with `wandb sync` instead"
)


def read(folder: Path, files: Path | None) -> Export:
    """The export in the folder; raises ConfigurationError for anything else."""
    name = places.shown(folder)
    if folder.is_file() and folder.suffix == ".zip":
        raise ConfigurationError(f"DIR is {name}, {COMET}: {export.LAYOUT}")
    whole_path = places.folder(folder, "DIR")
    if not whole_path.is_dir():
        raise ConfigurationError(f"DIR is {name}, which is not there: {export.LAYOUT}")
    files_path = places.folder(files, "--files") if files else None
    try:
        return export.read(whole_path, files_path)
    except ConfigurationError as error:
        reason = _other_form(whole_path)
        raise ConfigurationError(f"DIR is {name}, with {reason}") if reason else error from error
    except OSError as error:
        raise ConfigurationError(f"DIR is {name}: {places.failure(error)}") from error


def _other_form(folder: Path) -> str | None:
    if next(folder.rglob("*.wandb"), None):
        return f"files {WANDB}"
    return COMET if next(folder.glob("*.zip"), None) else None
