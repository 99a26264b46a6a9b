"""Moves an endpoint's traffic to a new version in steps.

It asks and watches the version meanwhile, and goes back at the first sign of trouble.
"""

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pipeline.delivery import history
from pipeline.delivery.answers import answers
from pipeline.delivery.record import Model, SupersededError
from pipeline.errors import CredentialsError, RunError
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
    """Give the deployed model `new` the traffic of `old` step by step.

    Returns the steps that held, or had nothing to hold against. Goes on where an interrupted call
    stopped.

    `still_wanted` is called before each step and may raise SupersededError. In that case, when
    somebody else has moved the traffic, and when Google gives no token, the traffic stays as it
    is: none of these says anything about the version. Raises RunError where the smoke test or a
    step fails: `old` then has all the traffic, and `new` is undeployed.
    """
    own_shares = [endpoint.shares()]
    share = own_shares[0].get(new, 0)
    all_steps = endpoint.serving.traffic_steps if old else (100,)
    steps = [step for step in all_steps if step >= share]
    try:
        for percent in steps:
            still_wanted()
            step_question = question if percent == steps[0] else None
            own_shares.append(_shares(new, old, percent))
            _take(endpoint, new, old, percent, step_question, observer)
    except (SupersededError, CredentialsError):
        raise
    except Exception as error:  # not KeyboardInterrupt: the next call resumes from this step
        if _is_moved(endpoint, own_shares):
            raise SupersededError(
                f"the traffic of {endpoint.model} was moved by someone else meanwhile ({error})"
            ) from error
        _take_back(endpoint, new, old, error)
        raise
    return endpoint.serving.traffic_steps


def before(endpoint: Endpoint, new: str, recorded: Model | None) -> str | None:
    """Return the deployed model to take the traffic back if `new` fails.

    The recorded one comes first, then the one with most of the traffic.
    """
    deployed_ids, shares = endpoint.deployed(), endpoint.shares()
    deliveries = recorded.deliveries if recorded else []
    recorded_ids = [deployed_ids.get(delivery.registry_version) for delivery in deliveries]
    other_ids = sorted((id_ for id_ in shares if id_ != new), key=shares.__getitem__, reverse=True)
    return next((id_ for id_ in (*recorded_ids, *other_ids) if id_ and id_ != new), None)


def _shares(new: str, old: str | None, percent: int) -> dict[str, int]:
    if old and percent < 100:
        return {new: percent, old: 100 - percent}
    return {new: 100}


def _is_moved(endpoint: Endpoint, own_shares: list[dict[str, int]]) -> bool:
    """Say whether the traffic is none that this release has found or made.

    To go back would then undo what somebody else has done.
    """
    try:
        return endpoint.shares() not in own_shares
    except RunError:
        return False


def _take_back(endpoint: Endpoint, new: str, old: str | None, error: Exception) -> None:
    try:
        go_back(endpoint, new, old)
    except RunError as refusal:
        raise RunError(f"{error}; the traffic could not be taken back: {refusal}") from error


def _take(
    endpoint: Endpoint,
    new: str,
    old: str | None,
    percent: int,
    question: Question | None,
    observer: Observer,
) -> None:
    if old:
        endpoint.split(_shares(new, old, percent))
    history.note(endpoint, "release")
    name, start = endpoint.resource.display_name, datetime.now(UTC)
    if question:
        with shown(observer, f"{name} smoke test at {percent} % of the traffic"):
            smoke(endpoint, new, question, percent)
    if old:
        minutes = endpoint.serving.step_minutes
        with shown(observer, f"{name} {percent} % of the traffic, watched for {minutes} min"):
            watch(endpoint, new, old, start)


def go_back(endpoint: Endpoint, new: str, old: str | None) -> None:
    """Give all the traffic to `old`, and take `new` off its machines."""
    if old:
        endpoint.split({old: 100})
    endpoint.undeploy(new)
    history.note(endpoint, "taken back")


def smoke(endpoint: Endpoint, new: str, question: Question, percent: int) -> None:
    """Ask until `new` has answered by every signature.

    Raises RunError where it answers with no prediction, or only errors came or nothing. What the
    others answer is not held against it. An error does not say whose it is, so that it counts
    where `new` never answers.
    """
    attempts = _attempts(percent)
    for signature in question.signatures:
        problem = RunError(
            f"{endpoint.subject}: {new} has {percent} % of the traffic "
            f"and answered none of {attempts} requests by {signature}"
        )
        for _ in range(attempts):
            try:
                id_, predictions = endpoint.ask(question, signature)
            except CredentialsError:
                raise
            except RunError as error:
                problem = error
                continue
            if id_ == new:
                if len(predictions) != 1 or predictions[0] is None:
                    raise RunError(
                        f"{endpoint.subject}: {new} answers the sample by {signature} "
                        f"with {predictions}, expected is one prediction"
                    )
                break
        else:
            raise problem


def _attempts(percent: int) -> int:
    if percent == 100:
        return 3
    miss = math.log1p(-percent / 100)
    return math.ceil(math.log(MISSED) / miss)


def watch(endpoint: Endpoint, new: str, old: str, began: datetime) -> None:
    """Wait for the step's time, then check `new`'s errors and latency in it.

    Raises RunError where it fails too often or answers too slowly.
    """
    serving = endpoint.serving
    end = began + timedelta(minutes=serving.step_minutes)
    time.sleep(max(0.0, (end - datetime.now(UTC)).total_seconds()))
    requests, errors = answers(endpoint, new, old, began)
    if errors > serving.largest_error_share * requests:
        raise RunError(
            f"{endpoint.subject}: {errors / requests:.1%} of the new version's answers are errors, "
            f"allowed are {serving.largest_error_share:.1%}"
        )
    latencies = measured(endpoint, new, began, "prediction_latencies", "ALIGN_PERCENTILE_99")
    p99_ms = max(latencies, default=0)
    if p99_ms > serving.largest_p99_ms:
        raise RunError(
            f"{endpoint.subject}: the new version's p99 is {p99_ms:.0f} ms, "
            f"allowed are {serving.largest_p99_ms} ms"
        )
