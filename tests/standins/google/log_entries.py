"""Cloud Logging's entries, kept as they were written."""

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Store

REQUIRED = ("logName", "resource")


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
        if labels := {**shared_labels, **entry.get("labels", {})}:
            entry["labels"] = labels
    if not call.body.get("dryRun"):
        store.entries += entries
    return {}
