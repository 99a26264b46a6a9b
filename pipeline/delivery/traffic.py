"""Moves an endpoint's traffic to a new version in steps, asks and watches it meanwhile, and goes back at the first sign of trouble."""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pipeline.delivery.record import Model, SupersededError
from pipeline.errors import RunError
from pipeline.gcp.endpoints import Endpoint, Question, measured
from pipeline.progress import Observer, shown

MISSED = 1e-6  # how probable it may be that a version which takes its share is never asked


def introduce(
    endpoint: Endpoint,
    new: str,
    old: str | None,
    question: Question,
    observer: Observer,
    still_wanted: Callable[[], None],
) -> tuple[int, ...]:
    """Give the deployed model `new` the traffic of `old` step by step; returns the steps that held, or had nothing to hold against.

    Goes on where an interrupted call stopped. `still_wanted` is called before each step and raises SupersededError: the traffic then stays as
    it is, since it is somebody else's. RunError where the smoke test or a step fails: the traffic is back and `new` undeployed then.
    """
    reached = endpoint.shares().get(new, 0)
    left = [
        step
        for step in (endpoint.settings.serving.traffic_steps if old else (100,))
        if step >= reached
    ]
    try:
        for percent in left:
            still_wanted()
            _take(endpoint, new, old, percent, question if percent == left[0] else None, observer)
    except SupersededError:
        raise
    except Exception:  # an interruption is none: it stops, and goes on from this step
        go_back(endpoint, new, old)
        raise
    return endpoint.settings.serving.traffic_steps


def before(endpoint: Endpoint, new: str, recorded: Model | None) -> str | None:
    """The deployed model that a failing `new` leaves the traffic to: the recorded one, or where none is there whoever has most of it."""
    deployed, shares = endpoint.deployed(), endpoint.shares()
    known = [
        deployed.get(delivery.registry_version)
        for delivery in (recorded and (recorded.current, recorded.before)) or ()
        if delivery
    ]
    others = sorted((id_ for id_ in shares if id_ != new), key=shares.__getitem__, reverse=True)
    return next((id_ for id_ in (*known, *others) if id_ and id_ != new), None)


def _take(
    endpoint: Endpoint,
    new: str,
    old: str | None,
    percent: int,
    question: Question | None,
    observer: Observer,
) -> None:
    if old:
        endpoint.split({new: percent, old: 100 - percent} if percent < 100 else {new: 100})
    name, began = endpoint.resource.display_name, datetime.now(UTC)
    if question:
        with shown(observer, f"{name} smoke test at {percent} % of the traffic"):
            smoke(endpoint, new, question, percent)
    if old:
        with shown(
            observer,
            f"{name} {percent} % of the traffic, watched for {endpoint.settings.serving.step_minutes} min",
        ):
            watch(endpoint, new, began)


def go_back(endpoint: Endpoint, new: str, old: str | None) -> None:
    """All the traffic to `old`, and `new` off its machines."""
    if old:
        endpoint.split({old: 100})
    endpoint.undeploy(new)


def smoke(endpoint: Endpoint, new: str, question: Question, percent: int) -> None:
    """Ask until `new` has answered by every signature; RunError where it answers with no prediction, or only errors came or nothing.

    What the others answer is not held against it. An error does not say whose it is, so that it counts where `new` never answers.
    """
    attempts = 3 if percent == 100 else math.ceil(math.log(MISSED) / math.log1p(-percent / 100))
    for signature in question.signatures:
        problem = RunError(
            f"{endpoint.what}: {new} has {percent} % of the traffic and answered none of {attempts} requests by {signature}"
        )
        for _ in range(attempts):
            try:
                who, predictions = endpoint.ask(question, signature)
            except RunError as error:
                problem = error
                continue
            if who == new:
                if len(predictions) != 1 or predictions[0] is None:
                    raise RunError(
                        f"{endpoint.what}: {new} answers the sample by {signature} with {predictions}, expected is one prediction"
                    )
                break
        else:
            raise problem


def watch(endpoint: Endpoint, new: str, began: datetime) -> None:
    """Wait for the step's time, then look at what `new` did in it; RunError where it fails too often or answers too slowly."""
    serving = endpoint.settings.serving
    time.sleep(
        max(
            0.0,
            (began + timedelta(minutes=serving.step_minutes) - datetime.now(UTC)).total_seconds(),
        )
    )
    asked, failed = (
        measured(endpoint, new, began, f"{name}_count", "ALIGN_DELTA")
        for name in ("prediction", "error")
    )
    everything = max(
        sum(asked), sum(failed)
    )  # whether a failed request is counted as a prediction too
    if sum(failed) > serving.largest_error_share * everything:
        share = f"{sum(failed) / everything:.1%}"
        raise RunError(
            f"{endpoint.what}: {share} of the new version's answers are errors, allowed are {serving.largest_error_share:.1%}"
        )
    slowest = max(
        measured(endpoint, new, began, "prediction_latencies", "ALIGN_PERCENTILE_99"), default=0
    )
    if slowest > serving.largest_p99_ms:
        raise RunError(
            f"{endpoint.what}: the new version's p99 is {slowest:.0f} ms, allowed are {serving.largest_p99_ms} ms"
        )
