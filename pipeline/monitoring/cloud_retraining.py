"""Asks a stage for a retraining, once however often it is tried.

The request is written down before its message is sent, and its message is sent once more where
nobody has written down that it was, or that its build began: the receiver takes a request once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

from pipeline.delivery import retraining_requests
from pipeline.delivery.retraining_requests import Request
from pipeline.gcp import pubsub
from pipeline.gcp.stage import Stage
from pipeline.monitoring import retraining
from pipeline.monitoring.retraining import NOT_ASKED, Wish


def ask(stage: Stage, wish: Wish) -> str:
    """Ask unless there is a reason against it; return what is asked, or the reason.

    Raises RunError where the bucket or the topic refuses it: the next time completes it.
    """
    model, version = wish.model, wish.version.number
    new_request = Request(
        id=f"{model}-{version}-{wish.day}",
        version=version,
        day=wish.day,
        because=wish.verdict.sentence,
    )
    reason = retraining.refusal(wish, ())
    if reason is not None:
        return f"{NOT_ASKED}: {reason}"
    requests = retraining_requests.claimed(
        stage, model, new_request, lambda requests: retraining.refusal(wish, requests)
    )
    request = _of_window(requests, wish)
    if request is None:
        return f"{NOT_ASKED}: {retraining.refusal(wish, requests)}"
    if request.is_due(datetime.now(UTC)):
        pubsub.ask_to_retrain(stage, model, request.id)
        request = retraining_requests.sent(stage, model, request.id)
    return _sentence(request)


def _of_window(requests: Sequence[Request], wish: Wish) -> Request | None:
    """The version's request by this window, or by one that shares days with it."""
    for request in reversed(requests):
        age = wish.day - request.day
        if request.version == wish.version.number and abs(age) < wish.length:
            return request
    return None


def _sentence(request: Request) -> str:
    at = request.sent_at or request.taken_at
    time = f" on {at.astimezone(UTC):%Y-%m-%d at %H:%M} UTC" if at else ""
    build = f", and build {request.build} trains it" if request.build else ""
    return f"a retraining was asked for{time} by the window until {request.day}{build}"
