"""The runs that were imported: they are listed and compared, and nothing makes them again."""

from pathlib import Path

from pipeline.errors import ConfigurationError

FOLDER = "imported"  # below the folder of runs: PROJECT/RUN


def refuse(runs: Path, name: str) -> None:
    """Raise ConfigurationError where the name is an imported run's, or the beginning of some."""
    sentence = told(runs, name)
    if sentence:
        raise ConfigurationError(sentence)


def told(runs: Path, name: str) -> str | None:
    """That the runs of this name were imported; None where none of them has it."""
    folders = sorted(path for path in (runs / FOLDER).glob("*/*") if path.is_dir())
    names = [str(path.relative_to(runs)) for path in folders]
    matches = [each for each in names if _begins(each, name)]
    if not name or not matches:
        return None
    more = f" (and {len(matches) - 1} more)" if len(matches) > 1 else ""
    return (
        f"the run {matches[0]}{more} was imported: it cannot be made again, and nothing here "
        "knows its code, data or packages; `runs` lists it, `runs compare` compares it"
    )


def _begins(folder: str, name: str) -> bool:
    *_, id_ = folder.split("/")
    return folder.startswith(name) or id_.startswith(name)
