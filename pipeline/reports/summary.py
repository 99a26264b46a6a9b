"""The summary of a run.

It holds what each node took, the metrics beside the gate and the last blessed, the decision, and
the run's six records.
"""

import json
from datetime import UTC, datetime
from typing import Any

from tfx.types import Artifact

from pipeline.model.declaration import Gate
from pipeline.reports import lineage
from pipeline.reports.evaluation import WHOLE, Metrics, Slices, baseline, candidate_metrics
from pipeline.reports.run_record import Node, RunRecord
from pipeline.spec import PipelineSpec

Check = dict[str, Any]  # a bound of the gate, as _check makes it


def compose(record: RunRecord, spec: PipelineSpec) -> dict[str, Any]:
    """A JSON-ready summary, of a failed or interrupted run too."""
    slices = candidate_metrics(record)
    last_blessed = baseline(record, slices)
    gate = _gate(spec.declaration.gate, slices, last_blessed)
    metrics = slices.pop(WHOLE, {})
    nodes = [_node(node) for node in record.nodes]
    state = "failed" if record.error else "succeeded"
    start, end = _span(record.nodes)
    start_time = datetime.fromtimestamp(start, UTC)
    seconds = end - start
    return {
        "run": record.id,
        "model": spec.model,
        "purpose": spec.declaration.purpose,
        "state": state,
        "error": record.error,
        "started": start_time.isoformat(timespec="seconds"),
        "seconds": round(seconds, 2),
        "nodes": nodes,
        "metrics": metrics,
        "slices": slices,
        "baseline": last_blessed,
        "gate": gate,
        "decision": _decision(record, gate),
        "records": _records(record, metrics),
    }


def _span(nodes: list[Node]) -> tuple[float, float]:
    """When the first node started and the last one ended."""
    starts = [node.started for node in nodes if node.started]
    ends = [node.started + node.seconds for node in nodes]
    return min(starts, default=0.0), max(ends, default=0.0)


def _node(node: Node) -> dict[str, Any]:
    seconds = round(node.seconds, 2)
    return {"id": node.id, "state": node.state, "seconds": seconds, "upstream": node.upstream}


def _records(record: RunRecord, metrics: Metrics) -> dict[str, Any]:
    examples = record.artifact("CsvExampleGen", "examples")
    examples = examples or record.artifact("BigQueryExampleGen", "examples")
    model = record.artifact("Trainer", "model")
    return {
        "code": lineage.code(),
        "environment": lineage.environment(),
        "data": lineage.data(examples),
        "hyperparameters": lineage.hyperparameters(record),
        "metrics": metrics,
        "model_type": lineage.model_type(model),
    }


def _gate(gate: Gate, slices: Slices, last_blessed: dict[str, Any] | None) -> list[Check]:
    """Each bound, its value and its verdict; empty without an evaluation."""
    if not slices:
        return []
    bounds = [(WHOLE, gate.lower_bound)]
    bounds += [(f"{part.feature}={part.value}", part.lower_bound) for part in gate.slices]
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


def _decision(record: RunRecord, gate: list[Check]) -> dict[str, Any]:
    """The verdict on the model, its address and the reason.

    blessed: both blessings. published: the version's address, also where it was there before.
    reason: a sentence.
    """
    bounds_hold = _is_blessed(record, "Evaluator")
    serves = _is_blessed(record, "ServingCheck")
    blessed = bounds_hold and serves
    address = _address(record)
    reason = _reason(record, gate, blessed)
    return {"blessed": blessed, "published": address, "reason": reason}


def _is_blessed(record: RunRecord, node: str) -> bool:
    blessing = record.artifact(node, "blessing")
    return _int(blessing, "blessed") == 1


def _address(record: RunRecord) -> str | None:
    pushed_model = record.artifact("Pusher", "pushed_model")
    if pushed_model is None or _int(pushed_model, "pushed") != 1:
        return None
    return pushed_model.get_string_custom_property("pushed_destination") or None


def _reason(record: RunRecord, gate: list[Check], blessed: bool) -> str:
    if record.error:
        return f"not published: {record.error}"
    pushed_model = record.artifact("Pusher", "pushed_model")
    if pushed_model is None:
        return "not published: the run did not get that far"
    if not blessed:
        problems = _problems(record, gate)
        message = "; ".join(problems) or "the evaluation did not bless it"
        return f"not published: {message}"
    if not _int(pushed_model, "new"):
        return "blessed, and published already: the newest version is this very model"
    return "published: every bound holds and the model can be served"


def _problems(record: RunRecord, gate: list[Check]) -> list[str]:
    """A sentence for each bound that does not hold and for each problem of serving."""
    problems = []
    for check in gate:
        if not check["holds"]:
            subject = f"{check['metric']} ({check['slice']})"
            value = _shown(check["value"])
            problems.append(f"{subject} is {value}, below {check['lower_bound']}")
    blessing = record.artifact("ServingCheck", "blessing")
    if blessing and not _is_blessed(record, "ServingCheck"):
        serving_problems = blessing.get_string_custom_property("problems")
        problems += json.loads(serving_problems)
    return problems


def _shown(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4f}"


def _int(artifact: Artifact | None, name: str) -> int | None:
    return artifact.get_int_custom_property(name) if artifact else None
