"""A stage's machines running all the time, asked or not, and their monthly cost.

`make plan` and the comment on a pull request both say it, in the same sentences.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from infra.review.prices import FILE, Prices
from settings import Settings

HOURS_A_MONTH = 730  # 365 * 24 / 12
VERSIONS = 2  # that a delivery leaves on machines: the one that answers, and the one before
ENDPOINT = "google_vertex_ai_endpoint"
# Resources whose machine runs until somebody stops it, and where each says the machine's type.
STANDING = {
    "google_compute_instance": ("machine_type",),
    "google_notebooks_instance": ("machine_type",),
    "google_workbench_instance": ("gce_setup", "machine_type"),
}
UNKNOWN = "a machine of an unknown type"
Document = dict[str, Any]
Counts = Mapping[str, int]  # machine type -> how many run


@dataclass(frozen=True)
class Machines:
    """Machines of one type, running all the time, and their purpose."""

    machine_type: str
    count: int
    purpose: str

    def __str__(self) -> str:
        return f"{self.count} × {self.machine_type}: {self.purpose}"


def of_stage(settings: Settings, models: Sequence[str], stacks: Path | None) -> list[Machines]:
    """The machines of a stage once its models are delivered.

    They are those behind endpoints, which Terraform does not manage, and those of the stage's
    stacks in `stacks`, the folder of the synthesized ones.
    """
    return [*_behind_endpoints(settings, models), *_in_stacks(settings.stage, stacks)]


def _behind_endpoints(settings: Settings, models: Sequence[str]) -> Iterator[Machines]:
    serving = settings.serving
    if not models or not serving.keep_warm:
        return
    count = serving.min_replicas
    at_first = len(models) * count
    replicas = "1 replica" if count == 1 else f"{count} replicas"
    names = ", ".join(models)
    purpose = (
        f"{replicas} each of {names}, and as many of the version before, "
        f"which stays deployed; {at_first} until there is one"
    )
    yield Machines(serving.machine_type, VERSIONS * at_first, purpose)


def _in_stacks(stage: str, stacks: Path | None) -> Iterator[Machines]:
    if stacks is None:
        return
    files = stacks.glob(f"*-{stage}/cdk.tf.json")
    for file in sorted(files):
        text = file.read_text(encoding="utf-8")
        document = json.loads(text)
        resources = document.get("resource", {})
        for kind in STANDING:
            bodies = resources.get(kind, {})
            for name, body in bodies.items():
                machine_type = _machine_type(kind, body)
                yield Machines(machine_type, 1, f"{kind}.{name}")


def _machine_type(kind: str, body: Document) -> str:
    value: Any = body
    for key in STANDING[kind]:
        if isinstance(value, list):
            value = next(iter(value), None)
        if not isinstance(value, dict):
            return UNKNOWN
        value = value.get(key)
    return value if isinstance(value, str) else UNKNOWN


def running(plan_json: Document) -> Counter[str]:
    """The machines running before a plan, by type, from its JSON: `terraform show -json`.

    The provider reads an endpoint's deployed models at each refresh.
    """
    counts: Counter[str] = Counter()
    for resource in plan_json.get("resource_changes", []):
        before = resource["change"].get("before") or {}
        counts.update(_of_resource(resource["type"], before))
    return counts


def _of_resource(kind: str, before: Document) -> Counter[str]:
    counts: Counter[str] = Counter()
    if before and kind in STANDING:
        machine_type = _machine_type(kind, before)
        counts[machine_type] += 1
    if kind == ENDPOINT:
        deployed_models = before.get("deployed_models") or ()
        for deployed_model in deployed_models:
            counts.update(_replicas(deployed_model))
    return counts


def file_name(stage: str) -> str:
    """The file with the running machines, among a stage's plans."""
    return f"{stage}.machines.json"


def read_running(plans: Path, stage: str) -> Counts | None:
    """The running machines, from a folder of plans; None without a valid file."""
    file = plans / file_name(stage)
    try:
        text = file.read_text(encoding="utf-8")
        counts = json.loads(text)
        return {machine_type: int(count) for machine_type, count in counts.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def _replicas(deployed_model: Document) -> Counter[str]:
    counts: Counter[str] = Counter()
    blocks = deployed_model.get("dedicated_resources") or ()
    for resources in blocks:
        [spec] = resources["machine_spec"]
        machine_type = spec["machine_type"]
        counts[machine_type] += int(resources["min_replica_count"])
    return counts


def sentences(machines: Sequence[Machines], now: Counts | None, prices: Prices | None) -> list[str]:
    """The sentences on machines running all the time, and with prices on their cost.

    `now` holds the machines already running; None if they are unknown.
    """
    lines = [str(entry) for entry in machines]
    if not lines:
        lines = ["nothing: models are undeployed after their smoke test"]
    counts: Counter[str] = Counter()
    for entry in machines:
        counts[entry.machine_type] += entry.count
    if prices is not None and machines:
        lines.append(_cost(counts, prices))
    if now is not None:
        lines.append(_difference(counts, now, prices))
    return lines


def _cost(counts: Counts, prices: Prices) -> str:
    money = _money(_of_a_month(counts, prices))
    sentence = f"{money} a month by {FILE}"
    if unpriced_types := _unpriced(counts, prices):
        return f"{sentence}, without {unpriced_types}: no price is given"
    return sentence


def _difference(counts: Counts, now: Counts, prices: Prices | None) -> str:
    if Counter(now) == Counter(counts):
        return "the same runs now"
    running_machines = [f"{count} × {type_}" for type_, count in sorted(now.items())]
    sentence = "now: " + (", ".join(running_machines) or "nothing")
    if prices is None:
        return sentence
    if unpriced_types := _unpriced({**counts, **now}, prices):
        return f"{sentence}; the difference is unknown without a price of {unpriced_types}"
    change = _of_a_month(counts, prices) - _of_a_month(now, prices)
    direction = "less" if change < 0 else "more"
    money = _money(abs(change))
    return f"{sentence}; {money} a month {direction}"


def _of_a_month(counts: Counts, prices: Prices) -> Decimal:
    """The price of a month of all priced machines."""
    an_hour = Decimal(0)
    for type_, count in counts.items():
        an_hour += prices.get(type_, 0) * count
    return HOURS_A_MONTH * an_hour


def _unpriced(counts: Counts, prices: Prices) -> str:
    types = sorted(set(counts) - set(prices))
    return ", ".join(types)


def _money(amount: Decimal) -> str:
    return f"{amount:,.2f}"
