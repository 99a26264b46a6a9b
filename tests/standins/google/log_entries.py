"""Cloud Logging's entries, kept as they were written, each once.

Entries of one log, time and insertId are one. A time beyond a day ahead, or before the log's 30
days, is refused: https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Store

REQUIRED = ("logName", "resource")
IDENTITY = ("logName", "timestamp", "insertId")
FUTURE, PAST = timedelta(days=1), timedelta(days=30)


def write(store: Store, call: Call) -> Body:
    """Keep the entries, each filled from the request's common fields.

    Nothing is kept where one lacks its log or resource.
    """
    shared = {name: call.body[name] for name in REQUIRED if call.body.get(name)}
    shared_labels = call.body.get("labels", {})
    entries = [{**shared, **entry} for entry in call.body.get("entries", [])]
    for number, entry in enumerate(entries):
        if missing := [name for name in REQUIRED if not entry.get(name)]:
            raise RefusedError(400, f"entry {number} has no {' and no '.join(missing)}")
        check_time(entry)
        if labels := {**shared_labels, **entry.get("labels", {})}:
            entry["labels"] = labels
    if not call.body.get("dryRun"):
        keep(store, entries)
    return {}


def keep(store: Store, entries: list[Body]) -> None:
    """Leave out the entries that are there."""
    for entry in entries:
        identity = identity_of(entry)
        kept_identities = map(identity_of, store.entries)
        if None in identity or identity not in kept_identities:
            store.entries.append(entry)


def identity_of(entry: Body) -> tuple[Any, ...]:
    return tuple(entry.get(name) for name in IDENTITY)


def check_time(entry: Body) -> None:
    if "timestamp" not in entry:
        return
    time = datetime.fromisoformat(entry["timestamp"])
    age = datetime.now(UTC) - time
    if not -FUTURE <= age <= PAST:
        raise RefusedError(
            400,
            f"the timestamp {time} is outside of what is allowed: "
            "at most 24 hours ahead, and not before the log's retention",
        )
