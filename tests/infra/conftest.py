"""One synth for the whole test run as plain data, and a stack for tests of one construct."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cdktf
import pytest
from cdktf import App, TerraformStack, Testing

from environments import ENVIRONMENTS
from infra.synthesis import stand_up

Testing.__test__ = False  # its name looks like a test's
Document = dict[str, Any]
every_stage = pytest.mark.parametrize(
    "settings", ENVIRONMENTS.values(), ids=lambda settings: settings.stage
)


class Resource(SimpleNamespace):
    """A resource's configuration, by attribute: `bucket.versioning`."""


@dataclass(frozen=True)
class Grant:
    """A stack's grant of a role to a member."""

    stack: str
    type: str
    role: str
    member: str
    project: str | None


@dataclass(frozen=True)
class Synthesized:
    """Every stack by its name: `foundation-dev`."""

    stacks: dict[str, Document]

    def types(self, stack: str) -> set[str]:
        resources = self.stacks[stack].get("resource", {})
        return set(resources)

    def of(self, stack: str, *types: str) -> list[Resource]:
        """The stack's resources of these types, or all."""
        document = self.stacks[stack]
        return [resource for _, resource in configured(document, *types)]

    def by_id(self, stack: str, type_: str) -> dict[str, Resource]:
        bodies = self.stacks[stack]["resource"][type_]
        return {id_: Resource(**body) for id_, body in bodies.items()}

    def each(self, *types: str) -> Iterator[tuple[str, Resource]]:
        """Every resource of these types, or of all, after its stack's name."""
        for name in self.stacks:
            for resource in self.of(name, *types):
                yield name, resource

    def grants(self) -> Iterator[Grant]:
        for name, document in self.stacks.items():
            for type_, resource in configured(document):
                if type_.startswith("google_") and type_.endswith("_iam_member"):
                    project = getattr(resource, "project", "")
                    yield Grant(name, type_, resource.role, resource.member, project)


def configured(document: Document, *types: str) -> Iterator[tuple[str, Resource]]:
    """Every resource of these types, or of all, after its type, in the order of their making."""
    resources = document.get("resource", {})
    for type_, bodies in resources.items():
        if not types or type_ in types:
            for body in bodies.values():
                yield type_, Resource(**body)


def stage_of(stack: str) -> str:
    """`dev` of `foundation-dev`."""
    _, stage = stack.split("-")
    return stage


@pytest.fixture(scope="session")
def synthesized_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cdktf.out")


@pytest.fixture(scope="session")
def synthesized(synthesized_folder: Path) -> Synthesized:
    return synthesize(synthesized_folder)


def synthesize(
    folder: Path,
    environments=ENVIRONMENTS,
    models: list[str] | None = None,
) -> Synthesized:
    os.environ.setdefault("CDKTF_CONTEXT_JSON", "{}")
    app = App(outdir=str(folder))
    for settings in environments.values():
        stand_up(app, settings, environments, models)
    app.synth()

    stacks = {}
    for file in sorted(folder.glob("stacks/*/cdk.tf.json")):
        text = file.read_text()
        stacks[file.parent.name] = json.loads(text)
    return Synthesized(stacks)


@pytest.fixture
def stack() -> TerraformStack:
    app = cdktf.Testing.app()
    return TerraformStack(app, "stack")


@pytest.fixture
def resources() -> Callable[..., list[Resource]]:
    """The resources of a stack, of some types or of all, in the order of their making."""

    def read(stack: TerraformStack, *types: str) -> list[Resource]:
        text = Testing.synth(stack)
        document = json.loads(text)
        return [resource for _, resource in configured(document, *types)]

    return read
