"""Removes old runs model by model, or says which would go.

A model that can't be worked on now is left as it is, and the others go on.
"""

import contextlib
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.errors import RunError
from pipeline.experiments import local
from pipeline.experiments.prune import facts, steps
from pipeline.experiments.prune import plan as plans
from pipeline.experiments.prune.facts import Facts
from pipeline.experiments.prune.plan import Going, Plan, Rules
from pipeline.local.pruned import BEGUN
from pipeline.local.store import locked_store
from settings import REPOSITORY

REFUSED = "its model's runs cannot be removed now"


@dataclass
class Outcome:
    """What goes or went, what stays and why."""

    going: list[Going] = field(default_factory=list)
    spared: dict[str, list[str]] = field(default_factory=dict)
    finished: list[str] = field(default_factory=list)  # that an earlier removal had begun
    unfinished: list[str] = field(default_factory=list)  # whose removal has begun
    problems: list[str] = field(default_factory=list)  # of runs that can't be read
    refusals: list[str] = field(default_factory=list)  # of models, a sentence each

    @property
    def size(self) -> int:
        """The bytes of all that goes."""
        return sum(each.size for each in self.going)

    @property
    def is_empty(self) -> bool:
        return not (self.going or self.spared or self.finished or self.unfinished)

    def add(self, plan: Plan) -> None:
        self.going += plan.going
        self.spared |= plan.spared

    def refuse(self, error: RunError, runs: Collection[Facts], begun: Collection[str]) -> None:
        """Note why the runs can't be removed now; those of a begun removal are not spared."""
        sentence = str(error)
        self.refusals.append(sentence)
        self.unfinished += begun
        for each in runs:
            if each.run not in begun:
                self.spared[each.run] = [REFUSED]


def models(runs: Path) -> list[str]:
    """The models that have a run here, or one that is half removed."""
    names = {each.model for each in facts.all_of(runs)}
    entries = steps.unfinished(runs)
    names |= {entry.model for entry in entries.values()}
    return sorted(filter(None, names))


def look(runs: Path, rules: Rules, model: str | None = None) -> Outcome:
    """What `remove` would do; nothing is changed."""
    outcome = Outcome()
    for name, group in _groups(runs, model, outcome).items():
        begun = _begun(runs, name)
        whole = [each for each in group if each.run not in begun]
        try:
            _refuse_busy(runs / "store" / name)
            plan = plans.plan(runs, name, whole, rules)
        except RunError as error:
            outcome.refuse(error, whole, begun)
            continue
        outcome.unfinished += begun
        outcome.add(plan)
    return outcome


def remove(
    runs: Path, rules: Rules, model: str | None = None, repository: Path = REPOSITORY
) -> Outcome:
    """Remove the runs that may go; raises RunError where another removal works here."""
    outcome = Outcome()
    with local.alone(runs):
        for name, group in _groups(runs, model, outcome).items():
            try:
                with _locked(runs / "store" / name):
                    outcome.finished += steps.finish(runs, name, repository)
                    plan = _remove(runs, name, group, rules, repository)
                outcome.add(plan)
            except RunError as error:
                outcome.refuse(error, group, _begun(runs, name))
    return outcome


def _begun(runs: Path, model: str) -> list[str]:
    """The model's runs of which something is removed, and not all."""
    names = []
    for run, entry in steps.unfinished(runs).items():
        if entry.model == model and entry.state == BEGUN:
            names.append(run)
    return names


def _remove(runs: Path, model: str, group: list[Facts], rules: Rules, repository: Path) -> Plan:
    """Plan the model's runs anew, now that none can begin, and remove those that may go."""
    names = [each.run for each in group]
    present = [run for run in names if (runs / run).is_dir()]
    all_facts = [facts.of(runs, run) for run in present]
    plan = plans.plan(runs, model, all_facts, rules)
    if plan.going:
        day = rules.now.date()
        steps.remove(runs, model, plan.going, day, repository)
    return plan


def _groups(runs: Path, model: str | None, outcome: Outcome) -> dict[str, list[Facts]]:
    """The runs of each model; those of none are spared, and what can't be read is told."""
    entries = steps.unfinished(runs)
    groups: dict[str, list[Facts]] = {entry.model: [] for entry in entries.values()}
    for each in facts.all_of(runs):
        is_asked = model in (None, each.model)
        if not is_asked:
            continue
        if each.problem:
            outcome.problems.append(each.problem)
        if each.model is None:
            outcome.spared[each.run] = [plans.UNREADABLE]
            continue
        group = groups.setdefault(each.model, [])
        group.append(each)
    if model is not None:
        return {model: groups.get(model, [])}
    return {name: groups[name] for name in sorted(groups)}


def _refuse_busy(store: Path) -> None:
    if local.is_locked(store):
        raise RunError(f"{store}: a process is running this model; wait for it, or end it")


@contextlib.contextmanager
def _locked(store: Path) -> Iterator[None]:
    """Keep the model's runs out; a store is not made for that."""
    if not store.is_dir():
        yield
        return
    with locked_store(store):
        yield
