"""Commits on GitHub's main, the verb to push them on to dev, and the requests to Cloud Build."""

from typing import Any

from pipeline.delivery import pushes
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import DEV, FULL, Repository, builds, edit_record
from tests.standins.google.apis import GoogleApis

RUNS = r"triggers/.*:run"  # the call that runs a trigger


def pushed(main: Repository, files: dict[str, str | None]) -> str:
    """A new commit of these files, on GitHub's main at once."""
    commit = main.commit(files)
    main.git("push", "--quiet", "origin", "main")
    return commit


def push(main: Repository, head: str = "HEAD", again: bool = False):
    stage = Stage(DEV)
    return pushes.push(stage, main.path, head, again=again)


def record_commit(stage: Stage, commit: str) -> None:
    """Leave the record as after a delivery of the commit."""
    edit_record(stage, commit=commit, images=FULL.images)


def request(build: dict[str, Any]) -> dict[str, str]:
    """The trigger, commit and models in the build's request."""
    substitutions = build["substitutions"]
    names = ("COMMIT_SHA", "_MODELS", "TRIGGER_NAME")
    return {name: substitutions[name] for name in names}


def trigger_names(google: GoogleApis) -> list[str]:
    """The trigger of each build, in order."""
    requests = [request(build) for build in builds(google)]
    return [fields["TRIGGER_NAME"] for fields in requests]
