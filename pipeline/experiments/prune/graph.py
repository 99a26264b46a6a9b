"""What a model's metadata say of its runs: whose artifacts each refers to, and where those lie."""

import contextlib
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from pipeline import manifest
from pipeline.errors import RunError
from pipeline.lineage import walk
from pipeline.lineage.graph import Artifact, Execution
from pipeline.lineage.local_store import LocalStore
from pipeline.local import metadata_database

WAIT_SECONDS = 10  # for a run that writes
MODULE = re.compile(r"/modules/([0-9a-f]{64})(?:/|$)")
MODULES = "SELECT execution_id, string_value FROM ExecutionProperty WHERE instr(string_value, ?)"
ADDRESSES = "SELECT uri FROM Artifact UNION SELECT string_value FROM ExecutionProperty"
SYSTEM = ".system"  # TFX's, in a node's folder


class Graph:
    """A model's runs by its store; one without metadata knows none."""

    def __init__(self, store: Path) -> None:
        """Read the metadata; raises RunError where they are missing and artifacts are there."""
        self.store = store
        self.order: list[str] = []  # the runs as they were recorded, the oldest first
        self.blessed: set[str] = set()
        self.versions: dict[str, set[str]] = defaultdict(set)  # run -> those that it published
        self._makers: dict[str, set[str]] = defaultdict(set)
        self._addresses: dict[str, set[str]] = defaultdict(set)
        self._modules: dict[str, set[str]] = defaultdict(set)
        self._executions: dict[str, list[Execution]] = {}
        if (store / metadata_database.NAME).exists():
            self._read(LocalStore(store))
        elif any(store.glob("[A-Z]*")):
            raise RunError(
                f"{store / metadata_database.NAME} is missing, so nothing tells which run's "
                "artifacts others use: none of these runs is removed"
            )

    def ancestors(self, runs: Iterable[str], trained_by: Mapping[str, str]) -> set[str]:
        """All runs that something of the given ones was made by, in whichever step."""
        reached: set[str] = set()
        pending = list(runs)
        while pending:
            run = pending.pop()
            makers = set(self._makers.get(run, ()))
            if run in trained_by:
                makers.add(trained_by[run])
            pending += makers - reached
            reached |= makers
        return reached

    def folders(self, runs: Iterable[str], kept: Iterable[str]) -> dict[str, list[Path]]:
        """The artifacts and modules of each of the runs that none of the kept ones refers to."""
        shared = {address for run in kept for address in self._addresses[run]}
        modules = {name for run in kept for name in self._modules[run]}
        by_execution = _by_execution(self.store)
        folders: dict[str, list[Path]] = {}
        for run in runs:
            own = []
            for execution in self._executions.get(run, ()):
                own += by_execution.get((execution.node, execution.id), [])
            folders[run] = [path for path in own if str(path) not in shared]
            folders[run] += [self.store / "modules" / name for name in self._modules[run] - modules]
            modules |= self._modules[run]
        return folders

    def _read(self, store: LocalStore) -> None:
        runs_by_execution = {}
        self.order = store.runs()
        for run in self.order:
            self._executions[run] = list(store.of_run(run))
            for execution in self._executions[run]:
                runs_by_execution[execution.id] = run
                self._read_execution(store, execution)
        with opened(self.store, "ro") as database:
            rows = database.execute(MODULES, ["/modules/"]).fetchall()
        for execution_id, text in rows:
            run = runs_by_execution.get(str(execution_id), "")
            self._modules[run] |= set(MODULE.findall(text))

    def _read_execution(self, store: LocalStore, execution: Execution) -> None:
        run = execution.run
        step = walk.step_of(store, execution)
        for artifact in [*walk.artifacts_of(step.inputs), *walk.artifacts_of(step.outputs)]:
            self._refer(run, artifact, store.producer(artifact))
        if not step.inputs:  # what chooses the last blessed model judges none
            return
        push = walk.pushed(step)
        if push:
            self.versions[run].add(str(push.properties.get("pushed_version")))
        for artifact in walk.artifacts_of(step.outputs):
            if artifact.type == "ModelBlessing" and artifact.properties.get("blessed") == 1:
                self.blessed.add(run)

    def _refer(self, run: str, artifact: Artifact, maker: Execution | None) -> None:
        self._addresses[run].add(artifact.uri)
        self._modules[run] |= set(MODULE.findall(artifact.uri))
        if maker is not None and maker.run != run:
            self._makers[run].add(maker.run)


def used(store: Path) -> set[str]:
    """The addresses and the modules' names that are in the metadata now."""
    if not (store / metadata_database.NAME).exists():
        return set()
    with opened(store, "ro") as database:
        texts = [text for (text,) in database.execute(ADDRESSES) if isinstance(text, str)]
    return {*texts, *(name for text in texts for name in MODULE.findall(text))}


@contextlib.contextmanager
def opened(store: Path, mode: str) -> Iterator[sqlite3.Connection]:
    """The store's database, in one transaction where it is written to."""
    file = store / metadata_database.NAME
    address = f"{file.resolve().as_uri()}?mode={mode}"
    try:
        database = sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS)
        with contextlib.closing(database), database:
            yield database
    except sqlite3.OperationalError as error:  # locked, no room, not writable
        raise RunError(f"{file} cannot be used ({error})") from error
    except sqlite3.DatabaseError as error:
        raise RunError(f"{file} is damaged ({error})") from error


def _by_execution(store: Path) -> dict[tuple[str, str], list[Path]]:
    """What lies in the store for each execution, by node and id."""
    paths: dict[tuple[str, str], list[Path]] = defaultdict(list)
    own = [*store.glob("[A-Z]*/[!.]*/*"), *store.glob(f"[A-Z]*/{SYSTEM}/*/*")]
    for path in own:
        node, *_ = path.relative_to(store).parts
        paths[node, path.name.removesuffix(manifest.SUFFIX)].append(path)
    return paths
