"""The state buckets: the stage's own, and those of renamed or removed stages.

All of Google Cloud share the names of buckets, so that one may be somebody else's:
https://cloud.google.com/storage/docs/buckets#naming
"""

import re
from collections.abc import Collection

from infra.doctor.finding import Finding, ForbiddenError, missing, ok
from infra.doctor.google import Google
from infra.doctor.rest import Body
from settings import STAGE, Settings

EDIT = "${EDITOR:-vi} environments.py"


def state_bucket(subject: str, *, settings: Settings, google: Google) -> Finding:
    name = settings.names.bucket("state")
    try:
        bucket = google.ask("storage", f"b/{name}")
    except ForbiddenError:
        names = [bucket["name"] for bucket in _buckets(settings, google)]
        if name in names:
            raise
        return _somebody_else_s(subject, name)
    if bucket is None:
        return missing(subject, f"there is no gs://{name}", f"make bootstrap env={settings.stage}")
    if str(bucket["projectNumber"]) != str(settings.project_number):
        return _somebody_else_s(subject, name)
    return ok(subject, f"gs://{name}")


def _somebody_else_s(subject: str, name: str) -> Finding:
    gap = (
        f"gs://{name} is in another project, where the state would be in others' hands: "
        "change project_id or stage, of which the name is made"
    )
    return missing(subject, gap, EDIT)


def forgotten_stages(
    subject: str, *, settings: Settings, stages: Collection[str], google: Google
) -> Finding:
    """Look for the state of renamed or removed stages: they stand, and cost.

    Our stacks label their buckets; another Terraform's state may have a like name.
    """
    pattern = rf"{settings.project_id}-({STAGE})-state"
    matches = [
        re.fullmatch(pattern, bucket["name"])
        for bucket in _buckets(settings, google)
        if bucket.get("labels", {}).get("managed-by") == "esteira"
    ]
    state_stages = {match[1] for match in matches if match}
    forgotten = sorted(state_stages - set(stages))
    if not forgotten:
        return ok(subject, f"environments.py names all in {settings.project_id}")
    first, *_ = forgotten
    names = ", ".join(forgotten)
    gap = f"{settings.project_id} has the state of {names}, which environments.py does not name"
    command = f"put its entry back, `make teardown env={first}`, then delete its state bucket"
    return missing(subject, gap, command)


def _buckets(settings: Settings, google: Google) -> list[Body]:
    project = settings.project_id
    path = f"b?project={project}&prefix={project}-"
    return list(google.listing("storage", path, "items"))
