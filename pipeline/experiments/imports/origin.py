"""Says what a folder to import is, and refuses what can't be imported."""

from pathlib import Path

from pipeline import places
from pipeline.errors import ConfigurationError
from pipeline.experiments.imports import export, wandb_files
from pipeline.experiments.imports.export import Export

COMET = (
    "a zip as Comet writes it offline, which is not supported: its content is documented nowhere, "
    "export to Neptune's or MLflow's form instead"
)


def read(folder: Path, files: Path | None) -> Export:
    """The export in the folder; raises ConfigurationError for anything else."""
    name = places.shown(folder)
    if folder.is_file() and folder.suffix == ".zip":
        raise ConfigurationError(f"DIR is {name}, {COMET}: {export.LAYOUT}")
    whole_path = places.folder(folder, "DIR")
    if not whole_path.is_dir():
        raise ConfigurationError(f"DIR is {name}, which is not there: {export.LAYOUT}")
    files_path = _files_folder(files) if files else None
    try:
        return export.read(whole_path, files_path)
    except ConfigurationError as error:
        logs = wandb_files.sources(whole_path)
        if logs and files_path:
            raise ConfigurationError(
                f"--files is {places.shown(files_path)}, which W&B's runs do not take: "
                "their media stay where they are"
            ) from error
        if logs:
            return Export(whole_path, whole_path / export.FILES, logs, [])
        has_zip = next(whole_path.glob("*.zip"), None)
        raise ConfigurationError(f"DIR is {name}, with {COMET}") if has_zip else error from error
    except OSError as error:
        raise ConfigurationError(f"DIR is {name}: {places.failure(error)}") from error


def _files_folder(path: Path) -> Path:
    """The whole path of --files; a misspelt one would be a run without its files."""
    whole_path = places.folder(path, "--files")
    if not whole_path.is_dir():
        raise ConfigurationError(
            f"--files is {places.shown(path)}, which is not there: allowed is the folder that "
            "neptune-exporter had as --files-path"
        )
    return whole_path
