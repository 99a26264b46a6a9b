"""States what made a run's model: an in-toto statement with SLSA's provenance.

The statement's form is https://github.com/in-toto/attestation/blob/main/spec/v1/statement.md, the
predicate's https://slsa.dev/spec/v1.0/provenance. docs/provenance.md says what each field holds.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import RunError
from pipeline.provenance import dependencies
from pipeline.provenance.facts import Code, Environment, Training

NAME = "provenance.json"
TYPE = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
# RFC 4151's tag URIs need no address that somebody would have to keep.
BUILD_TYPE = "tag:esteira.example,2026:pipeline/v1"
BUILDERS = {False: "tag:esteira.example,2026:machine", True: "tag:esteira.example,2026:vertex"}

Json = dict[str, Any]
_CODE = TypeAdapter(Code)
_ENVIRONMENT = TypeAdapter(Environment)
_TRAINING = TypeAdapter(Training)


def compose(summary: Json, byproducts: Mapping[str, str]) -> Json | None:
    """The statement about the summary's model, None where the run has none.

    `byproducts` are the texts that the run leaves, by their names. Of a model from the cache it
    states what is known of its training alone: the run that made it ran another code.
    """
    training = training_of(summary)
    if training is None:
        return None
    records = summary["records"]
    is_own = training.run == summary["run"]
    environment = _ENVIRONMENT.validate_python(records["environment"])
    materials = dependencies.of_data(records["data"])
    if is_own:
        code = _CODE.validate_python(records["code"])
        materials += dependencies.of_code(code, environment)
    details = _run_details(training, environment)
    if is_own:
        details = _with_own(details, summary, byproducts)
    definition = {
        "buildType": BUILD_TYPE,
        "externalParameters": _external_parameters(summary),
        "internalParameters": _internal_parameters(training, environment, records),
        "resolvedDependencies": materials,
    }
    return {
        "_type": TYPE,
        "subject": [_subject(summary, training)],
        "predicateType": PREDICATE,
        "predicate": {"buildDefinition": definition, "runDetails": details},
    }


def encode(statement: Json) -> str:
    text = json.dumps(statement, indent=2)
    return f"{text}\n"


def decode(text: bytes, place: str) -> Json:
    """The statement; raises RunError for any other text."""
    try:
        statement = json.loads(text)
        is_ours = statement["_type"] == TYPE and statement["predicateType"] == PREDICATE
    except (ValueError, KeyError, TypeError, RecursionError):
        is_ours = False
    if not is_ours:
        raise RunError(f"{place}: this is no in-toto statement with SLSA's provenance")
    return dict(statement)


def digests(statement: Json) -> list[str]:
    """The digests of the models that the statement is about."""
    subjects = statement.get("subject") or []
    return [subject.get("digest", {}).get("sha256", "") for subject in subjects]


def training_of(summary: Json) -> Training | None:
    """What trained the summary's model, None without a model or for one from before."""
    facts = summary["records"].get("training")
    if facts is None:
        return None
    try:
        return _TRAINING.validate_python(facts)
    except ValidationError:
        return None


def _subject(summary: Json, training: Training) -> Json:
    return {"name": f"{summary['model']}/{training.run}", "digest": {"sha256": training.digest}}


def _external_parameters(summary: Json) -> Json:
    """What a person chose; of a run on Vertex the rows' window tells its end."""
    records = summary["records"]
    window = records["data"].get("window") or {}
    until = {"until": window.get("end")}
    return {"model": summary["model"], **until, **records.get("parameters", {})}


def _internal_parameters(training: Training, environment: Environment, records: Json) -> Json:
    return {
        "hyperparameters": records["hyperparameters"],
        "seed": training.seed,
        "deterministicOperations": training.deterministic_operations,
        "threads": training.threads,
        "flags": training.flags,
        "cpu": training.cpu,
        "cpus": training.cpus,
        "runner": environment.beam_runner,
        "python": environment.python,
        "packages": environment.packages,
    }


def _run_details(training: Training, environment: Environment) -> Json:
    """The details of a run that is known by its name alone."""
    builder = {"id": BUILDERS[environment.image is not None]}
    return {"builder": builder, "metadata": {"invocationId": training.run}}


def _with_own(details: Json, summary: Json, byproducts: Mapping[str, str]) -> Json:
    """The details with the times and the byproducts of the summary's own run."""
    start = datetime.fromisoformat(summary["started"])
    end = start + timedelta(seconds=summary["seconds"])
    times = {"startedOn": _timestamp(start), "finishedOn": _timestamp(end)}
    figures = {"metrics": summary["metrics"], "blessed": summary["decision"]["blessed"]}
    evaluation = {"name": "evaluation", "annotations": figures}
    files = [_byproduct(name, text) for name, text in byproducts.items()]
    metadata = {**details["metadata"], **times}
    return {**details, "metadata": metadata, "byproducts": [*files, evaluation]}


def _byproduct(name: str, text: str) -> Json:
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return {"name": name, "digest": {"sha256": sha256}}


def _timestamp(instant: datetime) -> str:
    """RFC 3339, in UTC."""
    text = instant.astimezone(UTC).isoformat(timespec="seconds")
    return text.replace("+00:00", "Z")
