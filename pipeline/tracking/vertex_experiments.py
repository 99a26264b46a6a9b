"""A stage's runs in Vertex AI Experiments, as contexts of Vertex ML Metadata.

Four requests make a run: its experiment (once), the run with all that is known of it, and two
edges. Nothing else is needed: no TensorBoard, which the SDK's own calls make and Google bills
(https://github.com/googleapis/python-aiplatform/issues/2298).
"""

import hashlib
import json
import math
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from pipeline.errors import ConfigurationError, RunError
from pipeline.experiments import row
from pipeline.experiments.row import Row
from pipeline.gcp import metadata_store
from pipeline.gcp.stage import Stage
from settings import model_names

Json = dict[str, Any]
NAME = "vertex-experiments"  # of settings.tracker
RUN_SCHEMA = "system.ExperimentRun"  # as the SDK's own have them, so that the console shows ours
EXPERIMENT_SCHEMA = "system.Experiment"
SCHEMA_VERSION = "0.0.1"
ROW = "esteira_row"  # of a run's metadata: the row as JSON, since a Struct has doubles alone
LARGEST = 200_000  # bytes of a context's metadata
# of an experiment's and a run's id together, and of a display name
LONGEST_ID, LONGEST_NAME = 121, 128
SECONDS = 4.0  # of the 5 by which a tracker may delay a run's end
STATES = {"succeeded": "COMPLETE", "failed": "FAILED"}


def experiment(stage: Stage, model: str) -> str:
    """The id of a model's experiment; raises RunError for a pipeline's, which it may never be.

    An experiment, a pipeline and a run share one namespace.
    """
    id_ = f"{stage.names.pipeline(model)}-runs"
    for other in model_names():
        if stage.names.pipeline(other) == id_:
            raise RunError(f"the experiment {id_} of {model} would be the pipeline of {other}")
    return id_


def send(stage: Stage, run: Row, seconds: float = SECONDS) -> None:
    """Keep the run whole and once, whatever an earlier call that was cut off has left.

    The edge to the experiment comes last: a run that has it has all else. Raises RunError.
    """
    parent = experiment(stage, run.model)
    id_ = run_id(parent, run.run)
    fields = _context(run)
    metadata_store.make_context(stage, parent, _experiment(run.model), seconds)
    metadata_store.make_context(stage, id_, fields, seconds)
    metadata_store.add_child(stage, id_, run.run, seconds)
    metadata_store.add_child(stage, parent, id_, seconds)


def run_id(experiment_id: str, run: str) -> str:
    id_ = f"{experiment_id}-{run}"
    if len(id_) <= LONGEST_ID:
        return id_
    return f"{id_[: LONGEST_ID - 13]}-{_digest(id_)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _experiment(model: str) -> Json:
    return {
        "display_name": f"{model} runs"[:LONGEST_NAME],
        "schema_title": EXPERIMENT_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "metadata": {"experiment_deleted": False},
    }


def _context(run: Row) -> Json:
    metadata = {
        "_params": {name: _plain(value) for name, value in run.hyperparameters.items()},
        "_metrics": {name: _metric(value) for name, value in run.metrics.items()},
        "_state": STATES.get(run.state, "FAILED"),
        ROW: json.dumps(asdict(run)),
    }
    size = len(json.dumps(metadata).encode())
    if size > LARGEST:
        raise RunError(f"{run.run}: its record has {size:,} bytes, Vertex takes {LARGEST:,}")
    return {
        "display_name": run.run[:LONGEST_NAME],
        "schema_title": RUN_SCHEMA,
        "schema_version": SCHEMA_VERSION,
        "metadata": metadata,
    }


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str) else json.dumps(value)


def _metric(value: float | None) -> float | str:
    """A Struct has no NaN: it is kept as its name."""
    if value is None or math.isnan(value):
        return "NaN"
    return str(value) if math.isinf(value) else value


def decode(context: Mapping[str, Any], stage: Stage) -> Row | None:
    """The row of a run's context, None for one that another program has made."""
    text = context.get("metadata", {}).get(ROW)
    if not isinstance(text, str):
        return None
    try:
        return row.decode(json.loads(text) | {"place": stage.name, "folder": None})
    except (ValueError, TypeError, KeyError) as error:
        raise RunError(f"{context['name']} holds no row of a run ({error!r:.100})") from error


def of_summary(stage: Stage, summary: Json) -> Row:
    """The run of its summary, which names it by its resource name or its id."""
    *_, id_ = summary["run"].split("/")
    return row.of_summary(summary | {"run": id_}, stage.name, "", ())


def track(stage: Stage, summary: Json) -> str | None:
    """Send the run of a delivery within SECONDS; return the problem, or None.

    A stage whose `tracker` is none keeps nothing.
    """
    if stage.settings.tracker != NAME:
        return None
    problems: list[str] = ["no answer within 5 s"]

    def work() -> None:
        try:
            send(stage, of_summary(stage, summary), SECONDS / 4)
            problems.clear()
        except (RunError, ConfigurationError) as error:
            problems[:] = [str(error)]
        except Exception as error:  # whatever the library raises costs a warning
            problems[:] = [f"{type(error).__name__}: {error}"]

    # A daemon: a server that accepts and never answers must not hold the delivery.
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(SECONDS)
    return problems[0] if problems else None
