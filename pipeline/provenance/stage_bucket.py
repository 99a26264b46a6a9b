"""The statement of a run on Vertex, in its stage's bucket, and what a signing stage demands."""

from collections.abc import Mapping
from typing import Any

from google.api_core import exceptions

from pipeline.errors import RunError
from pipeline.gcp.clients import patiently
from pipeline.gcp.signing_key import SigningKey
from pipeline.gcp.stage import Stage
from pipeline.provenance import envelope, statement
from pipeline.provenance.envelope import SignatureError
from settings.artifacts import REPORTS

Json = dict[str, Any]
SHOWN = 12  # digits of a digest in a sentence


def folder(model: str, run: str) -> str:
    """Where the report of a run lies; `run` may be its resource name."""
    *_, run_id = run.split("/")
    return f"{REPORTS}{model}/{run_id}"


def files(
    stage: Stage, summary: Json, byproducts: Mapping[str, str], *, sign: bool = True
) -> dict[str, str]:
    """The statement of the summary's model, and its envelope where the stage signs.

    A model from the cache has the statement of the run that made it. An experiment is not to be
    signed: nothing of it is released.
    """
    composed = _of_maker(stage, summary) or statement.compose(summary, byproducts)
    if composed is None:
        return {}
    text = statement.encode(composed)
    key_name = stage.settings.signing_key if sign else None
    if key_name is None:
        return {statement.NAME: text}
    sealed = envelope.seal(text.encode(), SigningKey(stage, key_name))
    return {statement.NAME: text, envelope.NAME: sealed}


def _of_maker(stage: Stage, summary: Json) -> Json | None:
    """The statement of the run that made a model from the cache, where that is still there."""
    training = statement.training_of(summary)
    if training is None or training.run == summary["run"]:
        return None
    name = f"{folder(summary['model'], training.run)}/{statement.NAME}"
    try:
        made = statement.decode(_read(stage, name), name)
    except SignatureError:
        return None
    return made if statement.digests(made) == [training.digest] else None


def check(stage: Stage, model: str, run: str, digest: str | None) -> None:
    """Raise SignatureError unless the run's statement is signed and of this model.

    A stage without a signing key asks for nothing. A key that can't be asked is a RunError.
    """
    key_name = stage.settings.signing_key
    if key_name is None:
        return
    subject = f"{model}: {stage.name} has a signing_key, and nothing proves what made the model"
    if digest is None:
        raise SignatureError(f"{subject}: it has no digest, it is older than digests")
    key = SigningKey(stage, key_name).public_key()
    place = folder(model, run)
    try:
        payload = envelope.opened(_read(stage, f"{place}/{envelope.NAME}"), key, envelope.NAME)
        signed_statement = statement.decode(payload, envelope.NAME)
        if _read(stage, f"{place}/{statement.NAME}") != payload:
            raise SignatureError(f"{statement.NAME} is not what was signed beside it")
    except RunError as error:
        raise type(error)(f"{subject}: {error}") from error
    digests = statement.digests(signed_statement)
    if digests != [digest]:
        signed_digests = ", ".join(other[:SHOWN] for other in digests)
        raise SignatureError(
            f"{subject}: signed is the model {signed_digests}, this one is {digest[:SHOWN]}"
        )


def _read(stage: Stage, name: str) -> bytes:
    uri = f"gs://{stage.artifacts.name}/{name}"
    blob = stage.artifacts.blob(name)
    try:
        with stage.asking(uri):
            return bytes(patiently(blob.download_as_bytes))
    except RunError as error:
        if isinstance(error.__cause__, exceptions.NotFound):
            raise SignatureError(f"{uri} is missing: the run was not signed") from error
        raise
