"""Where cards lie: in their run's folder, and by version beside the published models."""

from pathlib import Path

from pipeline.cards import content, drawing, owner
from pipeline.cards.content import Card
from pipeline.errors import ConfigurationError, RunError
from pipeline.local import imported, pruned
from pipeline.local.store import write as write_file
from pipeline.model.folder import ModelFolder
from pipeline.places import shown

FOLDER = "card"  # in a run's folder
LISTED = 5  # runs in a refusal


def write(card: Card, folder: Path) -> list[Path]:
    """Write the card's files into the folder, each whole or not at all."""
    contents = drawing.files(card)
    return [write_file(folder / name, text) for name, text in contents.items()]


def keep(card: Card, run_folder: Path, store: Path) -> None:
    """Write the card of a run here, and beside the version that it published.

    A version keeps the card of the run that made it.
    """
    write(card, run_folder / FOLDER)
    address = card.decision["published"]
    if address is None:
        return
    version = Path(address).name
    folder = _of_version(store, version)
    file = folder / content.NAME
    if not file.exists():
        write(card, folder)


def refuse_other_readme(folder: Path, flag: str) -> None:
    """Raise ConfigurationError for a folder whose README.md is no card's: it would be lost."""
    readme = folder / drawing.README
    card = folder / content.NAME
    is_card = card.exists()
    if readme.exists() and not is_card:
        raise ConfigurationError(
            f"{flag} is {shown(folder)}, whose {drawing.README} is no card's: "
            "allowed is a folder without one, or with a card"
        )


def with_owner(card: Card, folder: ModelFolder) -> Card:
    """The card with its owner's words as they are now; its figures stay its run's."""
    words = owner.read(folder.path)
    return card.model_copy(update={"owner": words})


def newest_published(runs: Path, model: str) -> Path:
    """The folder of the newest published version's card."""
    store = runs / "store" / model
    published = store / "published"
    names = [path.name for path in published.glob("[0-9]*")]
    versions = [name for name in names if name.isdigit()]
    if not versions:
        raise RunError(
            f"there is no published version of {model} in {shown(published)}: "
            f"`python3 -m pipeline run {model}` makes the first"
        )
    version = max(versions, key=int)
    folder = _of_version(store, version)
    if not folder.is_dir():
        raise RunError(
            f"version {version} of {model} has no card, it is older than cards are: "
            "name a run of it with --run"
        )
    return folder


def of_run(runs: Path, model: str, run: str) -> Path:
    """The folder of the card that this run of the model left."""
    folder = runs / run / FOLDER
    if folder.is_dir() and "/" not in run:
        return folder
    pruned.refuse(runs, run)
    imported.refuse(runs, run)
    newest = ", ".join(_with_cards(runs, model))
    allowed = newest or "none yet"
    raise ConfigurationError(
        f"--run is {run!r}, which left no card of {model}: the newest that did are {allowed}"
    )


def _with_cards(runs: Path, model: str) -> list[str]:
    """The newest runs of the model that left a card."""
    files = runs.glob(f"*/{FOLDER}/{content.NAME}")
    names = sorted(file.parent.parent.name for file in files)
    of_model = [name for name in names if f"-{model}-" in name]
    return of_model[-LISTED:]


def _of_version(store: Path, version: str) -> Path:
    return store / "cards" / version
