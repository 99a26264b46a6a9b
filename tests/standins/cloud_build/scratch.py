"""A repository of the tests' own, with one recipe."""

import json
import os
import subprocess
from pathlib import Path

from tests.standins.cloud_build.recipes import Outcome, run

PYTHON = f"docker.io/library/python:3.13.15-slim-trixie@sha256:{'0' * 64}"
AUTHOR = {
    f"GIT_{role}_{field}": "a@b" for role in ("AUTHOR", "COMMITTER") for field in ("NAME", "EMAIL")
}
GIVEN = {"COMMIT_SHA": "c" * 40, "BUILD_ID": "b", "PROJECT_ID": "p", "LOCATION": "l"}


def recipe(*args: str, step: str = "", timeout: str = "timeout: 60s", name: str = PYTHON) -> str:
    return (
        f"steps:\n- name: {name}\n  entrypoint: python3\n  args: {json.dumps(args)}\n"
        f"{step}{timeout}\noptions: {{logging: CLOUD_LOGGING_ONLY}}\n"
    )


class Scratch:
    """A git repository with one recipe, build/image.yaml."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.recipe_file = folder / "build/image.yaml"
        self.recipe_file.parent.mkdir(parents=True)
        self.git("init", "--quiet")

    def git(self, *arguments: str) -> str:
        process = subprocess.run(
            ["git", *arguments],
            cwd=self.folder,
            env={**os.environ, **AUTHOR, "GIT_CONFIG_GLOBAL": os.devnull},
            check=True,
            capture_output=True,
            text=True,
        )
        return process.stdout.strip()

    def commit(self, text: str) -> str:
        self.recipe_file.write_text(text)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def run(
        self, text: str, environment: dict[str, str] | None = None, **substitutions: str
    ) -> Outcome:
        commit = self.commit(text)
        values = {**GIVEN, **substitutions, "COMMIT_SHA": commit}
        return run(self.folder, "image", values, environment)
