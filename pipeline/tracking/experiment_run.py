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
NAN = "NaN"
UNREAL = {NAN: math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
FORBIDDEN = re.compile(r"[^a-z0-9-]")
# Of google.cloud.aiplatform_v1.types, CreateContextRequest and Context; an experiment's and a run's
# ids have 121 characters together where its own library made them.
LONGEST_IDS, LONGEST_NAME, METADATA_BYTES = 121, 128, 200_000
LONGEST_SENTENCE = 1000
SPARE_BYTES = 2_000  # for the words on what was cut, and for how the service writes numbers
DIGITS = 8
GROUPS = ("facts", "_metrics", "_params")  # what is cut, in this order
FLAGS = {"True": True, "False": False}


def id_of(experiment: str, run: str) -> str:
    """The context's id: always the same, and another run's is another."""
    text = FORBIDDEN.sub("-", run)
    longest = LONGEST_IDS - len(experiment)
    if text == run and len(text) <= longest:
        return f"{experiment}-{text}"
    content = run.encode()
    digest = hashlib.sha256(content).hexdigest()
    beginning = text[: longest - DIGITS - 1]
    return f"{experiment}-{beginning}-{digest[:DIGITS]}"


def fields(stage: str, run: TrackedRun) -> Json:
    """The context of a run, without what is too long; its description says what is missing."""
    started = run.started.isoformat(timespec="seconds")
    duration = run.ended - run.started
    metadata = {
        STAGE: stage,
        "run": run.id,
        "model": run.model,
        "started": started,
        "seconds": duration.total_seconds(),
        "tags": list(run.tags),
        "facts": dict(run.facts),
        "_params": _encoded(run.parameters),
        "_metrics": _encoded(run.metrics),
        "_state": STATES[run.succeeded],
    }
    missing = _cut(metadata)
    if len(run.id) > LONGEST_NAME:
        sentence = f"the end of its name, {run.id}"
        missing.append(sentence[:LONGEST_SENTENCE])
    name = run.id[:LONGEST_NAME]
    document: Json = {"displayName": name, "metadata": metadata}
    if missing:
        sentences = "; ".join(missing)
        document["description"] = f"Cut, summary.json has it: {sentences}"
    return document


def _cut(metadata: Json) -> list[str]:
    """Take the longest values away until Vertex takes the rest; say how many of which."""
    sentences = []
    surplus = _size(metadata) - METADATA_BYTES + SPARE_BYTES
    for group in GROUPS:
        values = metadata[group]
        total = len(values)
        surplus = _without_longest(values, surplus)
        dropped = total - len(values)
        if dropped:
            name = group.removeprefix("_")
            sentences.append(f"{dropped:,} of {total:,} {name}")
    return sentences


def _without_longest(values: Json, surplus: int) -> int:
    """Take the longest values away while there is a surplus of bytes; return the new one."""
    sizes = {key: _size({key: value}) for key, value in values.items()}
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if surplus <= 0:
            break
        del values[key]
        surplus -= sizes[key]
    return surplus


def _size(value: Any) -> int:
    text = json.dumps(value, ensure_ascii=False)
    content = text.encode()
    return len(content)


def row(context: Json) -> Row:
    """The run of a context; raises KeyError, TypeError or ValueError for one that is not ours."""
    metadata = context["metadata"]
    state = metadata["_state"]
    is_success = state == STATES[True]
    time = datetime.fromisoformat(metadata["started"])
    started = time.isoformat(timespec="seconds")
    seconds = float(metadata["seconds"])
    seconds = round(seconds, 2)
    metrics = {key: _number(value) for key, value in metadata["_metrics"].items()}
    parameters = {key: _whole(value) for key, value in metadata["_params"].items()}
    return Row(
        run=metadata["run"],
        place=metadata[STAGE],
        model=metadata["model"],
        state=SUCCEEDED if is_success else "failed",
        started=started,
        seconds=seconds,
        metrics=metrics,
        hyperparameters=parameters,
        tags=tuple(metadata["tags"]),
        **_decided(metadata["facts"]),
    )


def _decided(facts: Json) -> Json:
    """The fields of a row that its facts tell."""
    blessed = facts.get("decision.blessed", "")
    published = facts.get("decision.published", "None")
    is_published = published != "None"
    reason = facts.get("decision.reason", "")
    return {
        "blessed": FLAGS.get(blessed),
        "published": str(published) if is_published else None,
        "decision": str(reason),
        "gate": facts.get("decision.gate"),
        "commit": facts.get("code.commit"),
    }


def _encoded(value: Any) -> Any:
    """The value as a Struct holds it."""
    if isinstance(value, Mapping):
        return {str(key): _encoded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_encoded(part) for part in value]
    if isinstance(value, float):
        return _text_of(value)
    return value


def _text_of(number: float) -> float | str:
    """The number; a text for one that is none, or infinite."""
    if math.isfinite(number):
        return number
    if math.isnan(number):
        return NAN
    return "Infinity" if number > 0 else "-Infinity"


def _number(value: Any) -> float | None:
    """A metric; NaN is none, as in a row of this machine."""
    if value == NAN:
        return None
    if isinstance(value, str):
        return UNREAL[value]
    return float(value)


def _whole(value: Any) -> Any:
    """A hyperparameter; a Struct has made doubles of whole numbers."""
    if isinstance(value, str):
        return UNREAL.get(value, value)
    if isinstance(value, list):
        return [_whole(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
