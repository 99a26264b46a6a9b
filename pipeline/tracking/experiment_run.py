"""A run as Vertex Experiments keeps it: one context, and what is read back from it.

`_params`, `_metrics` and `_state` are where Vertex's console and library look; the others are ours.
Numbers of a Struct are finite doubles, so that NaN and infinities are texts there.
"""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pipeline.experiments.row import Row
from pipeline.tracking.tracker import SUCCEEDED, TrackedRun

Json = dict[str, Any]
STAGE = "esteira_stage"  # of the metadata: by which a stage's runs are looked for
STATES = {True: "COMPLETE", False: "FAILED"}  # by whether the run succeeded
INFINITIES = {"Infinity": math.inf, "-Infinity": -math.inf}
NAN = "NaN"
FORBIDDEN = re.compile(r"[^a-z0-9-]")
# Of google.cloud.aiplatform_v1.types, CreateContextRequest and Context; an experiment's and a run's
# ids have 121 characters together where its own library made them.
LONGEST_IDS, LONGEST_NAME, METADATA_BYTES = 121, 128, 200_000
SPARE_BYTES = 2_000  # for the words on what was cut, and for how the service writes numbers
DIGITS = 8
GROUPS = ("facts", "_metrics", "_params")  # what is cut, in this order
FLAGS = {"True": True, "False": False}


def id_of(experiment: str, run: str) -> str:
    """The context's id: always the same, and another run's is another."""
    text = FORBIDDEN.sub("-", run)
    longest = LONGEST_IDS - len(experiment)
    if text != run or len(text) > longest:
        digest = hashlib.sha256(run.encode()).hexdigest()[:DIGITS]
        text = f"{text[: longest - DIGITS - 1]}-{digest}"
    return f"{experiment}-{text}"


def fields(stage: str, run: TrackedRun) -> Json:
    """The context of a run, without what is too long; its description says what is missing."""
    metadata = {
        STAGE: stage,
        "run": run.id,
        "model": run.model,
        "started": run.started.isoformat(timespec="seconds"),
        "seconds": (run.ended - run.started).total_seconds(),
        "tags": list(run.tags),
        "facts": dict(run.facts),
        "_params": {key: _encoded(value) for key, value in run.parameters.items()},
        "_metrics": {key: _encoded(value) for key, value in run.metrics.items()},
        "_state": STATES[run.succeeded],
    }
    missing = _cut(metadata)
    if len(run.id) > LONGEST_NAME:
        missing.append(f"the end of its name, {run.id}"[:1000])
    document: Json = {"displayName": run.id[:LONGEST_NAME], "metadata": metadata}
    if missing:
        document["description"] = f"Cut, summary.json has it: {'; '.join(missing)}"
    return document


def _cut(metadata: Json) -> list[str]:
    """Take the longest values away until Vertex takes the rest; say how many of which."""
    sentences = []
    surplus = _size(metadata) - METADATA_BYTES + SPARE_BYTES
    for group in GROUPS:
        values = metadata[group]
        sizes = {key: _size({key: value}) for key, value in values.items()}
        dropped = []
        for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
            if surplus <= 0:
                break
            del values[key]
            surplus -= sizes[key]
            dropped.append(key)
        if dropped:
            total = len(dropped) + len(values)
            sentences.append(f"{len(dropped):,} of {total:,} {group.removeprefix('_')}")
    return sentences


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode())


def row(context: Json) -> Row:
    """The run of a context; raises KeyError, TypeError or ValueError for one that is not ours."""
    metadata = context["metadata"]
    facts = metadata["facts"]
    published = facts.get("decision.published", "None")
    metrics = {key: _number(value) for key, value in metadata["_metrics"].items()}
    parameters = {key: _whole(value) for key, value in metadata["_params"].items()}
    return Row(
        run=metadata["run"],
        place=metadata[STAGE],
        model=metadata["model"],
        state=SUCCEEDED if metadata["_state"] == STATES[True] else "failed",
        started=datetime.fromisoformat(metadata["started"]).isoformat(timespec="seconds"),
        seconds=round(float(metadata["seconds"]), 2),
        blessed=FLAGS.get(facts.get("decision.blessed", "")),
        published=None if published == "None" else str(published),
        decision=str(facts.get("decision.reason", "")),
        gate=facts.get("decision.gate"),
        commit=facts.get("code.commit"),
        metrics=metrics,
        hyperparameters=parameters,
        tags=tuple(metadata["tags"]),
    )


def _encoded(value: Any) -> Any:
    """The value as a Struct holds it."""
    if isinstance(value, Mapping):
        return {str(key): _encoded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(part) for part in value]
    if not isinstance(value, float) or math.isfinite(value):
        return value
    if math.isnan(value):
        return NAN
    return "Infinity" if value > 0 else "-Infinity"


def _number(value: Any) -> float | None:
    """A metric; NaN is none, as in a row of this machine."""
    if value == NAN:
        return None
    return INFINITIES[value] if isinstance(value, str) else float(value)


def _whole(value: Any) -> Any:
    """A hyperparameter; a Struct has made doubles of whole numbers."""
    if isinstance(value, str):
        return math.nan if value == NAN else INFINITIES.get(value, value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return [_whole(part) for part in value] if isinstance(value, list) else value
