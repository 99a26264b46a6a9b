"""One synth for the whole test run as plain data, and a stack for tests of one construct."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cdktf
import pytest
from cdktf import App, TerraformStack, Testing

from environments import ENVIRONMENTS
from infra.synthesis import stand_up

Testing.__test__ = False  # its name looks like a test's
Resources = dict[str, dict[str, dict[str, Any]]]  # type -> id -> what is configured


@dataclass(frozen=True)
class Synthesized:
    """Every stack by its name: `foundation-dev`."""

    folder: Path
    stacks: dict[str, dict[str, Any]]

    def resources(self, stack: str) -> Resources:
        return dict(self.stacks[stack].get("resource", {}))

    def each(self, *types: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """(stack, configuration) of every resource of these types, or of all."""
        for name in self.stacks:
            for type_, bodies in self.resources(name).items():
                if not types or type_ in types:
                    yield from ((name, body) for body in bodies.values())


@pytest.fixture(scope="session")
def synthesized(tmp_path_factory: pytest.TempPathFactory) -> Synthesized:
    return synthesize(tmp_path_factory.mktemp("cdktf.out"))


def synthesize(
    folder: Path, environments=ENVIRONMENTS, models: list[str] | None = None
) -> Synthesized:
    os.environ.setdefault("CDKTF_CONTEXT_JSON", "{}")
    app = App(outdir=str(folder))
    for settings in environments.values():
        stand_up(app, settings, environments, models)
    app.synth()
    files = sorted(folder.glob("stacks/*/cdk.tf.json"))
    return Synthesized(folder, {file.parent.name: json.loads(file.read_text()) for file in files})


@pytest.fixture
def stack() -> TerraformStack:
    return TerraformStack(cdktf.Testing.app(), "stack")


@pytest.fixture
def resources() -> Callable[[TerraformStack], dict[str, list[dict[str, Any]]]]:
    """The resources of a stack by type, in the order of their making."""

    def read(stack: TerraformStack) -> dict[str, list[dict[str, Any]]]:
        return {
            type_: list(bodies.values())
            for type_, bodies in json.loads(Testing.synth(stack)).get("resource", {}).items()
        }

    return read
