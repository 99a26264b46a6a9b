"""The statement of a run on this machine, in its folder, and its envelope where it is signed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline import places
from pipeline.errors import RunError
from pipeline.local import run_names
from pipeline.local.store import write as write_file
from pipeline.provenance import envelope, published, statement
from pipeline.provenance.envelope import SignatureError, Signer
from pipeline.provenance.public_key import PublicKey

Json = dict[str, Any]


@dataclass(frozen=True)
class Verified:
    """A statement whose signature holds."""

    run: str
    digests: list[str]
    key: str  # the key's id


def write(runs: Path, summary: Json, byproducts: Mapping[str, str], signer: Signer | None) -> None:
    """Write what states the run's model; nothing where the run has none.

    A model from the cache has the statement of the run that made it, where that is still here.
    """
    composed = _of_maker(runs, summary) or statement.compose(summary, byproducts)
    if composed is None:
        return
    text = statement.encode(composed)
    texts = {statement.NAME: text}
    if signer is not None:
        texts[envelope.NAME] = envelope.seal(text.encode(), signer)
    run_folder = runs / summary["run"]
    for folder in (run_folder, *_of_version(summary, texts)):
        for name, content in texts.items():
            write_file(folder / name, content)


def _of_version(summary: Json, texts: Mapping[str, str]) -> list[Path]:
    """The folder of the published version's statement; a signed one is renewed by a signed one."""
    decision = summary["decision"]
    address = decision.get("published")
    if address is None:
        return []
    folder = published.folder(Path(address))
    envelope_file = folder / envelope.NAME
    if envelope_file.exists() and envelope.NAME not in texts:
        return []
    return [folder]


def verify(runs: Path, run: str, key: PublicKey) -> Verified:
    """Check the run's envelope by the key, and that it holds the run's statement as it is.

    Raises SignatureError, or ConfigurationError for a run that is not there.
    """
    folder = run_names.folder(runs, run)
    file = folder / envelope.NAME
    place = places.shown(file)
    sealed = _read(file)
    payload = envelope.opened(sealed, key, place)
    statement_file = folder / statement.NAME
    if _read(statement_file) != payload:
        raise SignatureError(f"{places.shown(statement_file)} is not what was signed beside it")
    signed_statement = statement.decode(payload, place)
    digests = statement.digests(signed_statement)
    return Verified(folder.name, digests, key.id)


def _of_maker(runs: Path, summary: Json) -> Json | None:
    """The statement of the run that made a model from the cache, where that is still here."""
    training = statement.training_of(summary)
    if training is None or training.run == summary["run"]:
        return None
    if "/" in training.run:  # of a stage
        return None
    file = runs / training.run / statement.NAME
    try:
        content = file.read_bytes()
        made = statement.decode(content, places.shown(file))
    except (OSError, RunError):
        return None
    digests = statement.digests(made)
    return made if digests == [training.digest] else None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except FileNotFoundError as error:
        raise SignatureError(
            f"{places.shown(file)} is missing: the run was not signed, or made no model"
        ) from error
    except OSError as error:
        raise SignatureError(f"{places.shown(file)} cannot be read ({error.strerror})") from error
