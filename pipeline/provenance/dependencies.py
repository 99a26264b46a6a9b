"""What went into a model, as in-toto's resource descriptors: data, code, image and lock."""

import re
from typing import Any

from pipeline.provenance.facts import Code, Environment

Json = dict[str, Any]
COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
LOCK = "Pipfile.lock"


def of_data(data: Json) -> list[Json]:
    """The source by the SHA-256 of its file, where it is one, and the rows by their own digest.

    The rows' is the sum of their SHA-256, modulo 2^256: the same in whatever order they come.
    """
    descriptors = []
    if "sha256" in data:
        descriptors.append({"name": "data", "digest": {"sha256": data["sha256"]}})
    if "digest" in data:
        names = ("rows", "rows_dropped", "window", "query", "tables")
        annotations = {name: data[name] for name in names if name in data}
        rows = {"name": "rows", "digest": {"sumOfSha256": data["digest"]}}
        descriptors.append({**rows, "annotations": annotations})
    return descriptors


def of_code(code: Code, environment: Environment) -> list[Json]:
    """The commit, the files that ran where they are another tree, the image and the lock.

    Where git has not all that trained, each file is named: the commit alone did not make the model.
    """
    descriptors = []
    is_committed = COMMIT.fullmatch(code.commit) is not None
    if is_committed:
        uri = f"git+{code.repository}@{code.commit}" if code.repository else None
        commit = {"name": "commit", "digest": {"gitCommit": code.commit}}
        descriptors.append({**commit, "uri": uri} if uri else commit)
    if code.kept and code.tree:
        descriptors.append({"name": code.kept, "digest": {"gitTree": code.tree}})
    is_clean = is_committed and code.changed_files == [] and code.untracked_files == []
    is_held = is_clean or code.kept
    if code.not_kept or not is_held:
        descriptors += [_file(name, sha256) for name, sha256 in code.files.items() if name != LOCK]
    if environment.image:
        name, _, digest = environment.image.partition("@sha256:")
        descriptors.append({"name": name, "digest": {"sha256": digest}})
    descriptors.append(_lock(code, environment))
    return descriptors


def _lock(code: Code, environment: Environment) -> Json:
    """The lock, or where it could not be read the Pipfile that it says it is of."""
    if LOCK in code.files:
        return _file(LOCK, code.files[LOCK])
    return _file("Pipfile", environment.pipfile_lock_sha256)


def _file(name: str, sha256: str) -> Json:
    return {"name": name, "digest": {"sha256": sha256}}
