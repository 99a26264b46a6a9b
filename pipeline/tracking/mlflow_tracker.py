"""Keeps runs in mlflow, each under its model's experiment.

mlflow gives a run an id of its own. Ours is a tag of the run from its first moment, so that a run
which was cut off is looked for and completed.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterator, Mapping
from datetime import datetime
from itertools import batched
from typing import Any, TypeVar

from pipeline.errors import RunError, UnreachableError
from pipeline.tracking.tracker import TAG, TrackedRun

HALF = "RUNNING"
WHOLE = {True: "FINISHED", False: "FAILED"}  # by whether the run succeeded
USER_TAGS = "esteira.tags"
BATCH = 100  # of one call: https://docs.databricks.com/api/experiments/v1/log-batch.md
LONGEST_NAME = 250
MARK = 8  # digits of a name's digest
# Of servers since mlflow 1.28; since 2.8 6,000 (https://github.com/mlflow/mlflow/pull/9709).
LONGEST_PARAMETER = 500
LONGEST_TAG = 5000
# In names; a colon only since mlflow 2.16 (https://github.com/mlflow/mlflow/pull/12943).
FORBIDDEN = re.compile(r"[^\w.\- /]", re.ASCII)
REFUSED = 400
ANSWERED = re.compile(r"too many (\d+) error responses|failed with error code (\d+)")
SHOWN = 300  # characters of a library's words
Value = TypeVar("Value")


class MlflowTracker:
    """A tracker; `location` is where a new experiment's files go, None where the server decides."""

    def __init__(self, client: Any, location: str | None) -> None:
        self.client = client
        self.location = location

    def send(self, run: TrackedRun) -> None:
        # A tracker is a library with a database or a server behind it: all that it raises is told
        # in a sentence.
        try:
            self._send(run)
        except Exception as error:
            raise problem(error) from error

    def _send(self, run: TrackedRun) -> None:
        experiment = self._experiment(run.model)
        candidates = self._kept(experiment, run)
        own = candidates[0] if candidates else self._created(experiment, run)
        if own.info.status == HALF:
            self._complete(own, run)
        # A call that was cut off may have made a second one meanwhile.
        _, *doubles = self._kept(experiment, run)
        for double in doubles:
            self.client.delete_run(double.info.run_id)

    def _experiment(self, model: str) -> str:
        """The id of the model's experiment, made where there is none yet."""
        experiment = self.client.get_experiment_by_name(model)
        if experiment is None:
            return str(self.client.create_experiment(model, artifact_location=self.location))
        return str(experiment.experiment_id)

    def _kept(self, experiment: str, run: TrackedRun) -> list[Any]:
        """mlflow's runs of ours, whole ones first."""
        condition = f"tags.`{TAG}` = '{run.id}'"
        runs = self.client.search_runs([experiment], condition)
        return sorted(runs, key=lambda kept: (kept.info.status == HALF, kept.info.run_id))

    def _created(self, experiment: str, run: TrackedRun) -> Any:
        start = _milliseconds(run.started)
        tags = _texts(run.facts, LONGEST_TAG)
        tags[TAG] = run.id
        tags[USER_TAGS] = ", ".join(run.tags)[:LONGEST_TAG]
        return self.client.create_run(experiment, start_time=start, tags=tags, run_name=run.id)

    def _complete(self, kept: Any, run: TrackedRun) -> None:
        """Add what is missing; a point that is sent twice is two in some servers' databases."""
        id_ = kept.info.run_id
        end = _milliseconds(run.ended)
        self._log_parameters(id_, run, kept.data.params)
        self._log_metrics(id_, run, kept.data.metrics, end)
        for file in run.files:
            self.client.log_artifact(id_, str(file))
        self.client.set_terminated(id_, WHOLE[run.succeeded], end)

    def _log_parameters(self, id_: str, run: TrackedRun, present: Container[str]) -> None:
        from mlflow.entities import Param

        texts = _texts(run.parameters, LONGEST_PARAMETER)
        missing = [name for name in texts if name not in present]
        parameters = [Param(name, texts[name]) for name in missing]
        for batch in batched(parameters, BATCH, strict=False):
            self.client.log_batch(id_, params=batch)

    def _log_metrics(self, id_: str, run: TrackedRun, present: Container[str], time: int) -> None:
        from mlflow.entities import Metric

        values = _renamed(run.metrics)
        missing = [name for name in values if name not in present]
        points = [Metric(name, values[name], time, 0) for name in missing]
        for batch in batched(points, BATCH, strict=False):
            self.client.log_batch(id_, metrics=batch)


def _milliseconds(time: datetime) -> int:
    return int(time.timestamp() * 1000)


def _texts(values: Mapping[str, Any], longest: int) -> dict[str, str]:
    """Parameters or tags as mlflow takes them."""
    texts = {}
    for name, value in _renamed(values).items():
        text = str(value)
        texts[name] = text[:longest]
    return texts


def _renamed(values: Mapping[str, Value]) -> dict[str, Value]:
    """The values by mlflow's names; of names that became one, all but itself are marked."""
    allowed_names = {name: _name(name) for name in values}
    uses = Counter(allowed_names.values())
    renamed = {}
    for name, allowed_name in allowed_names.items():
        is_own = allowed_name == name or uses[allowed_name] == 1
        final_name = allowed_name if is_own else _marked(name, allowed_name)
        renamed[final_name] = values[name]
    return renamed


def _marked(name: str, allowed_name: str) -> str:
    """The allowed name with a digest of the name at its end."""
    content = name.encode()
    digest = hashlib.sha256(content).hexdigest()
    beginning = allowed_name[: LONGEST_NAME - MARK - 1]
    return f"{beginning}-{digest[:MARK]}"


def _name(name: str) -> str:
    """A name as mlflow takes it, which must also be a path that leads down: no `..`, no `//`."""
    text = FORBIDDEN.sub("_", name)[:LONGEST_NAME]
    parts = text.split("/")
    return "/".join(part if part.strip(".") else "_" for part in parts)


def problem(error: Exception) -> RunError:
    """An exception of mlflow's, or of what it calls, in a sentence."""
    sentence = _sentence(error)
    status = getattr(error, "get_http_status_code", lambda: None)
    if status() == REFUSED:
        return RunError(sentence)
    return UnreachableError(sentence)


def _sentence(error: Exception) -> str:
    """What is at the bottom of it: mlflow's own words are those of all that lies between."""
    causes = list(_causes(error))
    for cause in causes:
        match = ANSWERED.search(str(cause))
        if match:
            return f"it answers {match[1] or match[2]}"
    failures = [cause for cause in causes if isinstance(cause, OSError)]
    if failures:
        return _failure(failures[-1])
    lines = str(error).splitlines() or ["no message"]
    sentence = f"{type(error).__name__}: {lines[0]}"
    return sentence[:SHOWN]


def _failure(error: OSError) -> str:
    """A failure of the system's, or of the network's."""
    if isinstance(error, TimeoutError):
        return "no answer came in time"
    text = str(error)
    return error.strerror or text[:SHOWN]


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
