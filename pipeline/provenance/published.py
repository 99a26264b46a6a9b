"""The signed statement of a published version, for a server that asks who vouches for it.

It lies beside the versions, by version: a version's own manifest lists every file inside it.
"""

from pathlib import Path

from pipeline import places
from pipeline.provenance import envelope, statement
from pipeline.provenance.envelope import SignatureError
from pipeline.provenance.public_key import PublicKey

FOLDER = "statements"
SHOWN = 12  # digits of a digest in a sentence


def folder(version: Path) -> Path:
    """Where the statement of a version and its envelope lie."""
    return version.parent.parent / FOLDER / version.name


def check(version: Path, digest: str, key: PublicKey) -> None:
    """Raise SignatureError unless the key signed a statement of the model of this digest."""
    file = folder(version) / envelope.NAME
    place = places.shown(file)
    try:
        text = file.read_bytes()
    except OSError as error:
        raise SignatureError(
            f"{version}: nothing that {key.origin} signed states where it came from: "
            f"{place} cannot be read ({error.strerror})"
        ) from error
    payload = envelope.opened(text, key, place)
    signed_digests = statement.digests(statement.decode(payload, place))
    if signed_digests != [digest]:
        names = ", ".join(signed[:SHOWN] for signed in signed_digests)
        raise SignatureError(
            f"{version}: its model is {digest[:SHOWN]}, allowed is {names}, which {place} signs"
        )
