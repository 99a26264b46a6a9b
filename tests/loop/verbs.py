"""The verbs of `python3 -m pipeline` as a team calls them, as Python objects."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from settings import REPOSITORY

DONE_OR_NO = (0, 3)


class Verbs(Protocol):
    def call(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> Any:
        """The JSON of a verb's standard output; raises RuntimeError for another exit code."""


@dataclass(frozen=True)
class Processes:
    """What they say goes to `log`, after their command lines."""

    log: Path
    variables: Mapping[str, str]

    def call(self, *arguments: object, codes: tuple[int, ...] = (0,)) -> Any:
        """The JSON of a verb's standard output; raises RuntimeError for another exit code."""
        words = [str(argument) for argument in arguments]
        command = [sys.executable, "-m", "pipeline", *words, "--json"]
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"$ python3 -m pipeline {' '.join(words)}\n")
            log.flush()
            process = subprocess.run(
                command,
                cwd=REPOSITORY,
                env={**os.environ, **self.variables},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
            log.write(process.stdout)
        if process.returncode not in codes:
            raise RuntimeError(
                f"python3 -m pipeline {words[0]} ended with {process.returncode}: see {self.log}"
            )
        return json.loads(process.stdout)
