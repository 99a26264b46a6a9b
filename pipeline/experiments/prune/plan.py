"""Decides which runs of a model may go, and says why the others stay."""

import contextlib
import stat
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from pipeline.experiments import tags
from pipeline.experiments.prune import tracker
from pipeline.experiments.prune.facts import Facts
from pipeline.experiments.prune.graph import Graph
from pipeline.serving import saved_model

# Article 26(6) of the AI Act: whoever uses a system of high risk keeps its logs for six months.
# https://eur-lex.europa.eu/eli/reg/2024/1689/oj
AGE = timedelta(days=180)
NEWEST = "newest"
KEPT = "tagged keep"
SERVED = "served"
BLESSED = "blessed"
ANCESTOR = "ancestor of a kept run"
YOUNG = "younger than {days} days"
UNREADABLE = "unreadable"
UNKNOWN_START = "start unknown"
FUTURE = "start in the future"
Times = dict[str, datetime | None]


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`keep` is how many of the newest runs stay, `age` how old one that goes must be."""

    keep: int
    now: datetime
    age: timedelta = AGE


@dataclass(frozen=True, kw_only=True)
class Going:
    """A run that may go; `folders` lie below the folder of runs, beside the run's own."""

    run: str
    model: str
    size: int  # bytes of all files
    folders: list[str]
    in_metadata: bool


@dataclass
class Plan:
    going: list[Going] = field(default_factory=list)
    spared: dict[str, list[str]] = field(default_factory=dict)  # run -> reasons, the first leads


def plan(runs: Path, model: str, all_facts: Collection[Facts], rules: Rules) -> Plan:
    """The plan for a model's runs; raises RunError where nothing tells what they share."""
    graph = Graph(runs / "store" / model)
    spared = _spared(runs, model, all_facts, graph, rules)
    candidates = [facts.run for facts in all_facts if facts.run not in spared]
    staying = {*graph.order, *spared}.difference(candidates)
    trained_by = {facts.run: facts.trained_by for facts in all_facts if facts.trained_by}
    ancestors = graph.ancestors(staying, trained_by)
    spared |= {run: [ANCESTOR] for run in candidates if run in ancestors}
    going = [run for run in candidates if run not in ancestors]
    return Plan(_going(runs, model, going, graph), spared)


def _going(runs: Path, model: str, names: list[str], graph: Graph) -> list[Going]:
    if not names:
        return []
    recorded = set(graph.order)
    folders = graph.folders(names, recorded.difference(names))
    tracked = tracker.folders(runs)
    going = []
    for run in names:
        own = [*folders[run], *tracked[run]]
        size = _size(runs / run) + sum(map(_size, own))
        paths = [str(path.relative_to(runs)) for path in own]
        going.append(
            Going(run=run, model=model, size=size, folders=paths, in_metadata=run in recorded)
        )
    return going


def _spared(
    runs: Path,
    model: str,
    all_facts: Collection[Facts],
    graph: Graph,
    rules: Rules,
) -> dict[str, list[str]]:
    """The runs that stay for themselves, with all reasons."""
    published = saved_model.versions(runs / "store" / model / "published")
    versions = {folder.name for folder in published}
    noted = _noted(all_facts, graph.order, rules.now)
    newest = _newest(all_facts, graph, rules, noted)
    spared = {}
    for facts in all_facts:
        run = facts.run
        own_versions = {facts.version, *graph.versions[run]}
        holds = {
            NEWEST: run in newest,
            KEPT: tags.KEEP in facts.tags,
            SERVED: not versions.isdisjoint(own_versions),
            BLESSED: facts.blessed or run in graph.blessed,
        }
        reasons = [reason for reason, is_so in holds.items() if is_so]
        reasons += _by_time(facts, noted[run], rules)
        if reasons:
            spared[run] = reasons
    return spared


def _by_time(facts: Facts, noted: datetime | None, rules: Rules) -> Iterator[str]:
    """The reason of the run's age, by the later of what it says and its folder's last change."""
    if facts.problem:
        yield UNREADABLE
        return
    if noted is None or facts.changed is None:
        yield UNKNOWN_START
        return
    time = max(noted, facts.changed)
    if time > rules.now:
        yield FUTURE
    elif time > rules.now - rules.age:
        yield YOUNG.format(days=rules.age.days)


def _noted(all_facts: Collection[Facts], order: list[str], now: datetime) -> Times:
    """When each run says that it started, or a run that was recorded before it.

    So a clock that was wrong for a while, or went back, makes no young run old.
    """
    noted = {facts.run: facts.noted for facts in all_facts}
    latest = None
    for run in order:
        time = noted.get(run)
        if time is None or time > now:
            continue
        latest = max(latest, time) if latest else time
        noted[run] = latest
    return noted


def _newest(all_facts: Collection[Facts], graph: Graph, rules: Rules, noted: Times) -> set[str]:
    """The runs that started last; those of an unknown start are none of them."""
    positions = {run: position for position, run in enumerate(graph.order)}
    ranked = []
    for facts in all_facts:
        time = noted[facts.run]
        if time is not None and time <= rules.now:
            ranked.append((time, positions.get(facts.run, -1), facts.run))
    ranked.sort(reverse=True)
    return {run for *_, run in ranked[: rules.keep]}


def _size(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; none of one that is gone."""
    size = 0
    for file in (path, *path.rglob("*")):
        with contextlib.suppress(FileNotFoundError):
            status = file.lstat()
            if not stat.S_ISDIR(status.st_mode):
                size += status.st_size
    return size
