"""Compares a version of the model registry with the model that its run made.

The run, the model registry and the record each name the digest of the model's files. All that name
one must agree, and so must the files in the stage's bucket, each of which is read.
"""

import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.gcp import artifact_files, model_registry
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage

SHOWN = 12  # digits of a digest in a sentence


class UnverifiedError(RunError):
    """A version names a digest, and nothing shows that its files have it."""


class DifferentError(UnverifiedError):
    """A version's files have another digest than the one that is named."""


def checked(
    stage: Stage, model: str, version: str, digests: Mapping[str, str | None]
) -> str | None:
    """Return the digest of the version's files.

    `digests` are by who names them. Returns None, and tells, where nobody names one: the version is
    older than digests. Raises DifferentError where digests differ, and UnverifiedError where the
    bucket no longer has what they are of.
    """
    subject = f"version {version} of {model}"
    with stage.asking(subject):
        resource = patiently(lambda: model_registry.registered(stage, model, version))
    all_digests = {**digests, "the model registry": model_registry.digest(resource)}
    named_digests = {source: digest for source, digest in all_digests.items() if digest}
    if not named_digests:
        print(f"{subject} is unverified: it is older than digests", file=sys.stderr)
        return None
    digest = _only(subject, named_digests)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "model"
        artifact_files.fetch(stage, resource.uri, (), folder)
        _check_files(f"{subject} ({resource.uri})", folder, digest)
    return digest


def shown(digest: str | None) -> str:
    """Return a digest's first digits, or that there is none."""
    return f"digest {digest[:SHOWN]}" if digest else "unverified"


def _only(subject: str, digests: Mapping[str, str]) -> str:
    """Return the digest that all of them are."""
    source, digest = next(iter(digests.items()))
    for other_source, other_digest in digests.items():
        if other_digest != digest:
            raise DifferentError(
                f"{subject} is another model than it was: {source} names the digest "
                f"{digest[:SHOWN]}, {other_source} {other_digest[:SHOWN]}"
            )
    return digest


def _check_files(subject: str, folder: Path, digest: str) -> None:
    """Raise an error where the fetched folder is not whole."""
    if not folder.exists():
        raise UnverifiedError(f"{subject} can't be verified: it has no files any more")
    problem = manifest.problem(folder, manifest.inside(folder))
    files_digest = manifest.of(folder).digest
    if files_digest != digest:
        reason = problem or f"its files have the digest {files_digest[:SHOWN]}"
        raise DifferentError(
            f"{subject} is not the model with the digest {digest[:SHOWN]} any more: "
            f"{_in_bucket(reason, folder)}"
        )
    if problem:
        raise UnverifiedError(f"{subject} is not as it was pushed: {_in_bucket(problem, folder)}")


def _in_bucket(reason: str, folder: Path) -> str:
    return reason.replace(f"{folder}/", "")
