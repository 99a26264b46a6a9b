"""The summary of a run.

It holds what each node took, the metrics beside the gate and the last blessed, the decision, and
the run's six records.
"""

import functools
import json
import math
from datetime import UTC, datetime
from typing import Any

import tensorflow as tf
import tensorflow_model_analysis as tfma
from tfx.types import Artifact

from pipeline.model.declaration import Gate
from pipeline.reports import lineage
from pipeline.reports.run_record import RunRecord
from pipeline.spec import PipelineSpec

WHOLE = "all"  # the slice that is no slice


def compose(record: RunRecord, spec: PipelineSpec) -> dict[str, Any]:
    """A JSON-ready summary, of a failed or interrupted run too."""
    evaluation = _evaluation(record)
    baseline = _baseline(record, evaluation)
    gate = _gate(spec.declaration.gate, evaluation, baseline)
    metrics = evaluation.get(WHOLE, {})
    slices = {name: values for name, values in evaluation.items() if name != WHOLE}
    nodes = [
        {"id": n.id, "state": n.state, "seconds": round(n.seconds, 2), "upstream": n.upstream}
        for n in record.nodes
    ]
    state = "failed" if record.error else "succeeded"
    start = min((n.started for n in record.nodes if n.started), default=0.0)
    end = max((n.started + n.seconds for n in record.nodes), default=0.0)
    return {
        "run": record.id,
        "model": spec.model,
        "purpose": spec.declaration.purpose,
        "state": state,
        "error": record.error,
        "started": datetime.fromtimestamp(start, UTC).isoformat(timespec="seconds"),
        "seconds": round(end - start, 2),
        "nodes": nodes,
        "metrics": metrics,
        "slices": slices,
        "baseline": baseline,
        "gate": gate,
        "decision": _decision(record, gate),
        "records": _records(record, metrics),
    }


def _records(record: RunRecord, metrics: dict[str, float]) -> dict[str, Any]:
    examples = record.artifact("CsvExampleGen", "examples")
    examples = examples or record.artifact("BigQueryExampleGen", "examples")
    return {
        "code": lineage.code(),
        "environment": lineage.environment(),
        "data": lineage.data(examples),
        "hyperparameters": lineage.hyperparameters(record),
        "metrics": metrics,
        "model_type": lineage.model_type(record.artifact("Trainer", "model")),
    }


def evaluation_result(record: RunRecord) -> Any:
    """TFMA's result for the candidate, or None."""
    evaluation = record.artifact("Evaluator", "evaluation")
    if evaluation is None or not tf.io.gfile.exists(evaluation.uri):
        return None
    model_name = "candidate" if "candidate" in _model_names(evaluation) else None
    return _load(evaluation.uri, model_name)


@functools.lru_cache(maxsize=4)  # summary and report ask for the same, which no one writes again
def _load(uri: str, model_name: str | None) -> Any:
    return tfma.load_eval_result(uri, model_name=model_name)


def _model_names(evaluation: Artifact | None) -> set[str]:
    """The models' names; TFMA gives a single model none."""
    if not evaluation:
        return set()
    return {spec.name for spec in _load(evaluation.uri, None).config.model_specs}


def _evaluation(record: RunRecord) -> dict[str, dict[str, float]]:
    """Metric -> number for each slice.

    Numbers that JSON has no word for are left out.
    """
    result = evaluation_result(record)
    return _by_slice(result) if result else {}


def _by_slice(result: Any) -> dict[str, dict[str, float]]:
    slices: dict[str, dict[str, float]] = {}
    for key, outputs in result.slicing_metrics:
        name = ", ".join(f"{column}={value}" for column, value in key) or WHOLE
        values = {
            metric: value.get("doubleValue")
            for subkeys in outputs.values()
            for by_name in subkeys.values()
            for metric, value in by_name.items()
        }
        slices[name] = {
            m: v for m, v in values.items() if isinstance(v, int | float) and math.isfinite(v)
        }
    return slices


def _baseline(record: RunRecord, evaluation: dict[str, dict[str, float]]) -> dict[str, Any] | None:
    """The last blessed model on the same rows, None for the first model.

    It is the candidate itself where that is the last blessed.
    """
    # Not from the Evaluator's inputs: metadata keeps one event an artifact, and the same model may
    # be both.
    last_model = record.artifact("LastBlessed", "model")
    candidate = record.artifact("Trainer", "model")
    if last_model is None or candidate is None:
        return None
    if last_model.uri == candidate.uri:
        return {"model": last_model.uri, "same_model": True, "metrics": evaluation.get(WHOLE, {})}
    artifact = record.artifact("Evaluator", "evaluation")
    metrics: dict[str, float] = {}
    if artifact and "baseline" in _model_names(artifact):
        metrics = _by_slice(_load(artifact.uri, "baseline")).get(WHOLE, {})
    return {"model": last_model.uri, "same_model": False, "metrics": metrics}


def _gate(
    gate: Gate, evaluation: dict[str, dict[str, float]], baseline: dict[str, Any] | None
) -> list[dict[str, Any]]:
    """Each bound, its value and its verdict; empty without an evaluation."""
    if not evaluation:
        return []
    bounds = [
        (WHOLE, gate.lower_bound),
        *((f"{s.feature}={s.value}", s.lower_bound) for s in gate.slices),
    ]
    checks = [
        _check(gate.metric, name, evaluation.get(name, {}).get(gate.metric), bound)
        for name, bound in bounds
    ]
    if baseline and not baseline["same_model"]:
        baseline_value = baseline["metrics"].get(gate.metric)
        candidate_value = evaluation[WHOLE].get(gate.metric)
        change = None
        if baseline_value is not None and candidate_value is not None:
            change = candidate_value - baseline_value
        checks.append(_check(f"change of {gate.metric}", WHOLE, change, gate.least_change))
    return checks


def _check(metric: str, part: str, value: float | None, bound: float) -> dict[str, Any]:
    return {
        "metric": metric,
        "slice": part,
        "value": value,
        "lower_bound": bound,
        "holds": value is not None and value >= bound,
    }


def _decision(record: RunRecord, gate: list[dict[str, Any]]) -> dict[str, Any]:
    """The verdict on the model, its address and the reason.

    blessed: both blessings. published: the version's address, also where it was there before.
    reason: a sentence.
    """
    blessings = [
        _int(record.artifact(node, "blessing"), "blessed") == 1
        for node in ("Evaluator", "ServingCheck")
    ]
    pushed_model = record.artifact("Pusher", "pushed_model")
    address = None
    if pushed_model and _int(pushed_model, "pushed") == 1:
        address = pushed_model.get_string_custom_property("pushed_destination")
    return {
        "blessed": all(blessings),
        "published": address or None,
        "reason": _reason(record, gate, blessings, pushed_model),
    }


def _reason(
    record: RunRecord,
    gate: list[dict[str, Any]],
    blessings: list[bool],
    pushed_model: Artifact | None,
) -> str:
    if record.error:
        return f"not published: {record.error}"
    if record.artifact("Pusher", "pushed_model") is None:
        return "not published: the run did not get that far"
    problems = [
        f"{c['metric']} ({c['slice']}) is {_shown(c['value'])}, below {c['lower_bound']}"
        for c in gate
        if not c["holds"]
    ]
    if not blessings[1]:
        check = record.artifact("ServingCheck", "blessing")
        problems += json.loads(check.get_string_custom_property("problems")) if check else []
    if not all(blessings):
        return f"not published: {'; '.join(problems) or 'the evaluation did not bless it'}"
    if pushed_model and not _int(pushed_model, "new"):
        return "blessed, and published already: the newest version is this very model"
    return "published: every bound holds and the model can be served"


def _shown(value: float | None) -> str:
    return "no number" if value is None else f"{value:.4f}"


def _int(artifact: Artifact | None, name: str) -> int | None:
    return artifact.get_int_custom_property(name) if artifact else None
