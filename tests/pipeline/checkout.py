"""A checkout to edit: the pipeline's own source beside a model of the tests'."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from settings import REPOSITORY
from tests.pipeline.conftest import copy_small, nodes_that

JUDGED_ANEW = {"ServingCheck", "Evaluator", "Baseline", "Pusher"}
TRAINED_ANEW = {"Trainer", *JUDGED_ANEW}
TRANSFORMED_ANEW = {"Transform", *TRAINED_ANEW}
DESCRIBED_ANEW = {"StatisticsGen", "ExampleValidator", *TRANSFORMED_ANEW}
UNCACHED = {"Hyperparameters", "LastBlessed"}  # an Importer and a Resolver look again each time


# Each Python below PYTHONPATH, and each that it starts, writes down what it asks of the network.
AUDIT = """
import pathlib, sys

ASKED = ("socket.getaddrinfo", "socket.gethostbyname", "socket.connect", "socket.sendto")
LOG = pathlib.Path(__file__).with_name("network.txt")

def note(event, arguments):
    if event in ASKED:
        with LOG.open("a") as log:
            target = arguments[0] if event.startswith('socket.get') else arguments[1]
            log.write(f"{event} {target}\\n")

sys.addaudithook(note)
LOG.with_name("audited.txt").open("a").write(" ".join(sys.orig_argv) + "\\n")
"""
LOOPBACK = re.compile(r"\S+ (\('(127\.|::1|localhost)|127\.|::1$|localhost$|/|\x00)")


class Checkout:
    """A copy of the pipeline's own source beside a small model, to edit either."""

    def __init__(self, place: Path) -> None:
        self.place = place
        for folder in ("pipeline", "settings"):
            shutil.copytree(REPOSITORY / folder, place / folder)
        for file in ("environments.py", "Pipfile.lock"):
            shutil.copyfile(REPOSITORY / file, place / file)
        self.folder = copy_small("cab", place / "models")
        (place / "sitecustomize.py").write_text(AUDIT)
        self.home = place / "home"
        self.home.mkdir()

    def run(self) -> set[str]:
        """The nodes not taken from the cache."""
        command = [sys.executable, "-m", "pipeline", "run", str(self.folder), "--json"]
        variables = {**os.environ, "PYTHONPATH": str(self.place), "HOME": str(self.home)}
        process = subprocess.run(
            command, cwd=self.place, env=variables, capture_output=True, text=True
        )
        assert process.returncode == 0, process.stderr
        summary = json.loads(process.stdout)
        return nodes_that(summary, "ran") - UNCACHED

    def append(self, file: str, line: str) -> None:
        with (self.place / file).open("a") as edited:
            edited.write(f"\n{line}\n")
