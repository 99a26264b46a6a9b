"""The summary of a run.

It holds what each node took, the metrics beside the gate and the last blessed, what will be
monitored, the decision, and the six facts that trace a model.
"""

import json
from datetime import UTC, datetime
from typing import Any

from tfx.types import Artifact

from pipeline.local.run_names import VERSION
from pipeline.model.declaration import CHANCE, Declaration, Gate
from pipeline.model.slices import name as slice_name
from pipeline.reports import records
from pipeline.reports.evaluation import WHOLE, Metrics, Slices, baseline, candidate_metrics
from pipeline.reports.intervals import intervals
from pipeline.reports.monitoring import monitoring
from pipeline.reports.newer_rows import comparison
from pipeline.reports.run_metadata import Node, RunMetadata

Check = dict[str, Any]  # a bound of the gate, as _check makes it


def compose(
    metadata: RunMetadata, model: str, declaration: Declaration, origin: dict[str, Any]
) -> dict[str, Any]:
    """A JSON-ready summary, of a failed or interrupted run too.

    `origin` holds the records `code` and `environment` of what has run.
    """
    slices = candidate_metrics(metadata)
    last_blessed = baseline(metadata, slices)
    gate = _gate(declaration.gate, slices, last_blessed)
    newer_rows = comparison(metadata)
    metrics = slices.pop(WHOLE, {})
    nodes = [_node(node) for node in metadata.nodes]
    state = "failed" if metadata.error else "succeeded"
    start, end = _span(metadata.nodes)
    start_time = datetime.fromtimestamp(start, UTC)
    seconds = end - start
    return {
        "version": VERSION,
        "run": metadata.id,
        "model": model,
        "purpose": declaration.purpose,
        "state": state,
        "error": metadata.error,
        "started": start_time.isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "nodes": nodes,
        "metrics": metrics,
        "slices": slices,
        "intervals": intervals(metadata, list(CHANCE)),
        "baseline": last_blessed,
        "gate": gate,
        "newer_rows": newer_rows,
        "monitoring": monitoring(metadata),
        "decision": _decision(metadata, gate, newer_rows),
        "records": origin | _records(metadata, metrics),
    }


def _span(nodes: list[Node]) -> tuple[float, float]:
    """When the first node started and the last one ended."""
    starts = [node.started for node in nodes if node.started]
    ends = [node.started + node.seconds for node in nodes]
    return min(starts, default=0.0), max(ends, default=0.0)


def _node(node: Node) -> dict[str, Any]:
    seconds = round(node.seconds, 2)
    return {"id": node.id, "state": node.state, "seconds": seconds, "upstream": node.upstream}


def _records(metadata: RunMetadata, metrics: Metrics) -> dict[str, Any]:
    examples = metadata.artifact("CsvExampleGen", "examples")
    examples = examples or metadata.artifact("BigQueryExampleGen", "examples")
    return {
        "data": records.data(examples),
        "hyperparameters": records.hyperparameters(metadata),
        "metrics": metrics,
        "model_type": records.model_type(metadata),
        "training": records.training(metadata),
    }


def _gate(gate: Gate, slices: Slices, last_blessed: dict[str, Any] | None) -> list[Check]:
    """Each bound, its value and its verdict; empty without an evaluation."""
    if not slices:
        return []
    bounds = [(WHOLE, gate.lower_bound)]
    for part in gate.slices:
        name = slice_name(part.feature, part.value)
        bounds.append((name, part.lower_bound))
    checks = []
    for name, bound in bounds:
        metrics = slices.get(name, {})
        value = metrics.get(gate.metric)
        checks.append(_check(gate.metric, name, value, bound))
    if last_blessed and not last_blessed["same_model"]:
        change = _change(gate.metric, slices[WHOLE], last_blessed["metrics"])
        checks.append(_check(f"change of {gate.metric}", WHOLE, change, gate.least_change))
    return checks


def _change(metric: str, candidate: Metrics, last_blessed: Metrics) -> float | None:
    candidate_value = candidate.get(metric)
    last_value = last_blessed.get(metric)
    if candidate_value is None or last_value is None:
        return None
    return candidate_value - last_value


def _check(metric: str, part: str, value: float | None, bound: float) -> Check:
    holds = value is not None and value >= bound
    return {
        "metric": metric,
        "slice": part,
        "value": value,
        "lower_bound": bound,
        "holds": holds,
    }


def _decision(
    metadata: RunMetadata, gate: list[Check], newer_rows: dict[str, Any] | None
) -> dict[str, Any]:
    """The verdict on the model, its address and the reason.

    blessed: both blessings. published: the version's address, also where it was there before.
    reason: a sentence.
    """
    bounds_hold = _is_blessed(metadata, "Evaluator")
    serves = _is_blessed(metadata, "ServingCheck")
    blessed = bounds_hold and serves
    address = _address(metadata)
    reason = _reason(metadata, gate, newer_rows, blessed)
    return {"blessed": blessed, "published": address, "reason": reason}


def _is_blessed(metadata: RunMetadata, node: str) -> bool:
    blessing = metadata.artifact(node, "blessing")
    return _int(blessing, "blessed") == 1


def _address(metadata: RunMetadata) -> str | None:
    pushed_model = metadata.artifact("Pusher", "pushed_model")
    if pushed_model is None or _int(pushed_model, "pushed") != 1:
        return None
    return pushed_model.get_string_custom_property("pushed_destination") or None


def _reason(
    metadata: RunMetadata,
    gate: list[Check],
    newer_rows: dict[str, Any] | None,
    blessed: bool,
) -> str:
    if metadata.error:
        return f"not published: {metadata.error}"
    pushed_model = metadata.artifact("Pusher", "pushed_model")
    is_experiment = metadata.node("Pusher") is None
    if pushed_model is None and not is_experiment:
        return "not published: the run did not get that far"
    if not blessed:
        problems = _problems(metadata, gate)
        if newer_rows and not newer_rows["holds"]:
            problems.append(newer_rows["sentence"])
        message = "; ".join(problems) or "the evaluation did not bless it"
        return f"not published: {message}"
    if is_experiment:
        return "every bound holds and the model can be served; an experiment is not published"
    if not _int(pushed_model, "new"):
        return "blessed, and published already: the newest version is this very model"
    return "published: every bound holds and the model can be served"


def _problems(metadata: RunMetadata, gate: list[Check]) -> list[str]:
    """A sentence for each bound that does not hold and for each problem of serving."""
    problems = []
    for check in gate:
        if not check["holds"]:
            subject = f"{check['metric']} ({check['slice']})"
            value = _shown(check["value"])
            problems.append(f"{subject} is {value}, below {check['lower_bound']}")
    blessing = metadata.artifact("ServingCheck", "blessing")
    if blessing and not _is_blessed(metadata, "ServingCheck"):
        serving_problems = blessing.get_string_custom_property("problems")
        problems += json.loads(serving_problems)
    return problems


def _shown(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4f}"


def _int(artifact: Artifact | None, name: str) -> int | None:
    return artifact.get_int_custom_property(name) if artifact else None
