"""What a model's metadata say of its runs: whose artifacts each refers to, and where those lie."""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.experiments.prune import metadata
from pipeline.lineage import walk
from pipeline.lineage.graph import Artifact, Execution
from pipeline.lineage.local_store import LocalStore
from pipeline.local import metadata_database

MODULES = "modules"  # a folder of the store, with one for each content
MODULE = re.compile(rf"/{MODULES}/([0-9a-f]{{64}})(?:/|$)")
BLESSING = "ModelBlessing"
# ROOT/NODE/KEY/EXECUTION, and what TFX keeps of an execution for itself.
PATTERNS = ("[A-Z]*/[!.]*/*", "[A-Z]*/.system/*/*")

ByRun = dict[str, set[str]]
ByExecution = dict[tuple[str, str], list[Path]]  # by its node and id


class Used(NamedTuple):
    addresses: set[str]
    modules: set[str]  # their names


class Graph:
    """A model's runs by its store; one without metadata knows none."""

    def __init__(self, store: Path) -> None:
        """Read the metadata; raises RunError where they are missing and artifacts are there."""
        self.store = store
        self.order: list[str] = []  # the runs as they were recorded, the oldest first
        self.blessed: set[str] = set()
        self.versions: ByRun = defaultdict(set)  # those that it published
        self._makers: ByRun = defaultdict(set)
        self._addresses: ByRun = defaultdict(set)
        self._modules: ByRun = defaultdict(set)
        self._executions: dict[str, list[Execution]] = {}
        file = store / metadata_database.NAME
        if file.exists():
            self._read(LocalStore(store))
        elif any(store.glob("[A-Z]*")):
            raise RunError(
                f"{file} is missing, so nothing tells which run's artifacts others use: "
                "none of these runs is removed"
            )

    def ancestors(self, runs: Iterable[str], trained_by: Mapping[str, str]) -> set[str]:
        """All runs that something of the given ones was made by, in whichever step."""
        reached: set[str] = set()
        pending = list(runs)
        while pending:
            run = pending.pop()
            makers = set(self._makers[run])
            if run in trained_by:
                makers.add(trained_by[run])
            pending += makers - reached
            reached |= makers
        return reached

    def folders(self, runs: Iterable[str], kept: Iterable[str]) -> dict[str, list[Path]]:
        """The artifacts and modules of each of the runs, none of which a kept run refers to."""
        used = self._used(kept)
        modules = set(used.modules)
        by_execution = _by_execution(self.store)
        folders: dict[str, list[Path]] = {}
        for run in runs:
            names = self._modules[run] - modules
            modules |= names
            own = [self.store / MODULES / name for name in sorted(names)]
            for execution in self._executions.get(run, ()):
                paths = by_execution[execution.node, execution.id]
                own += [path for path in paths if str(path) not in used.addresses]
            folders[run] = own
        return folders

    def _used(self, runs: Iterable[str]) -> Used:
        """All that the runs refer to."""
        used = Used(set(), set())
        for run in runs:
            used.addresses.update(self._addresses[run])
            used.modules.update(self._modules[run])
        return used

    def _read(self, store: LocalStore) -> None:
        runs = {}
        self.order = store.runs()
        for run in self.order:
            executions = list(store.of_run(run))
            self._executions[run] = executions
            for execution in executions:
                runs[execution.id] = run
                self._read_execution(store, execution)
        for execution_id, text in metadata.module_properties(self.store, MODULES):
            run = runs.get(execution_id, "")
            modules = MODULE.findall(text)
            self._modules[run].update(modules)

    def _read_execution(self, store: LocalStore, execution: Execution) -> None:
        run = execution.run
        step = walk.step_of(store, execution)
        outputs = list(walk.artifacts_of(step.outputs))
        inputs = walk.artifacts_of(step.inputs)
        for artifact in [*inputs, *outputs]:
            maker = store.producer(artifact)
            self._refer(run, artifact, maker)
        if not step.inputs:  # what chooses the last blessed model judges none
            return
        push = walk.pushed(step)
        if push:
            version = push.properties.get("pushed_version")
            self.versions[run].add(str(version))
        blessings = [each for each in outputs if each.type == BLESSING]
        if any(each.properties.get("blessed") == 1 for each in blessings):
            self.blessed.add(run)

    def _refer(self, run: str, artifact: Artifact, maker: Execution | None) -> None:
        addresses, modules = self._addresses[run], self._modules[run]
        addresses.add(artifact.uri)
        names = MODULE.findall(artifact.uri)
        modules.update(names)
        if maker is None or maker.run == run:
            return
        makers = self._makers[run]
        makers.add(maker.run)


def used(store: Path) -> Used:
    """All that the metadata name now."""
    texts = metadata.texts(store)
    modules = {name for text in texts for name in MODULE.findall(text)}
    return Used(texts, modules)


def _by_execution(store: Path) -> ByExecution:
    """What lies in the store for each execution, by node and id."""
    by_execution: ByExecution = defaultdict(list)
    for pattern in PATTERNS:
        for path in sorted(store.glob(pattern)):
            place = path.relative_to(store)
            node, *_ = place.parts
            id_ = path.name.removesuffix(manifest.SUFFIX)
            paths = by_execution[node, id_]
            paths.append(path)
    return by_execution
