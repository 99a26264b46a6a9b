"""Asks whether an account may do each call of the recipes.

It asks what `make doctor as=...` asks, and of objects where they lie: a grant by folder is not seen
by a question to the bucket.
"""

import urllib.parse
from collections import defaultdict
from collections.abc import Iterator

from infra.doctor import accounts, calls
from infra.doctor.finding import Check, Finding, NotAskedError, findings, missing, ok
from infra.doctor.google import Google
from infra.doctor.rest import Rest
from infra.probe.answer import Observation
from infra.probe.project import Project
from settings import artifacts
from settings.stages import environments

OBJECTS = "objects"  # the doctor's row on them
FOLDERS = (
    artifacts.HISTORY,
    artifacts.MODULES,
    artifacts.PAGES,
    artifacts.REPORTS,
    artifacts.RUNS,
    artifacts.SCRATCH,
)


def allowed(project: Project, account: str) -> Observation:
    bucket = project.names.bucket("artifacts")
    if project.ask("storage", f"b/{bucket}") is None:
        raise NotAskedError(f"there is no gs://{bucket} yet: make deploy env={project.names.stage}")
    email = project.names.service_account_email(account)
    google = Google(Rest(), service_account=email)
    google.token()  # which says why there is none
    stages = environments()
    checks = accounts.checks(project.settings, stages, account, google)
    checks = [check for check in checks if check.subject != OBJECTS]
    checks += _object_checks(project, account, google)
    rows = findings(checks)
    if gaps := _sentences(rows, "missing"):
        return Observation(False, gaps)
    if unasked := _sentences(rows, "not asked"):
        raise NotAskedError(unasked)
    return Observation(True, f"{email} may do what is listed in infra/doctor/calls.py")


def _sentences(rows: list[Finding], state: str) -> str:
    lines = [str(row) for row in rows if row.state == state]
    sentences = [line.removeprefix(f"{state}: ") for line in lines]
    return "; ".join(sentences)


def _object_checks(project: Project, account: str, google: Google) -> Iterator[Check]:
    bucket = project.names.bucket("artifacts")
    permissions: defaultdict[str, set[str]] = defaultdict(set)
    for name, _, permission, place in calls.IN_THE_BUCKET:
        if name == account and place != calls.BUCKET:
            folder = _folder(place)
            permissions[folder].add(permission)
    for folder, names in permissions.items():
        yield Check.of(
            f"gs://{bucket}/{folder}",
            _objects,
            bucket=bucket,
            folder=folder,
            permissions=names,
            google=google,
        )


def _folder(place: str) -> str:
    """Return the folder that a grant names, or the name of an object outside folders."""
    folders = [folder for folder in FOLDERS if place.startswith(folder)]
    return max(folders, key=len, default=place)


def _objects(
    subject: str, *, bucket: str, folder: str, permissions: set[str], google: Google
) -> Finding:
    """Ask the folder's first object.

    https://cloud.google.com/storage/docs/json_api/v1/objects/testIamPermissions
    """
    prefix = urllib.parse.quote(folder, safe="")
    page = google.ask("storage", f"b/{bucket}/o?prefix={prefix}&maxResults=1") or {}
    objects = page.get("items", [])
    if not objects:
        raise NotAskedError("is not there yet, and can be asked after the first delivery")
    first_object, *_ = objects
    name = urllib.parse.quote(first_object["name"], safe="")
    question = {"permissions": sorted(permissions)}
    query = urllib.parse.urlencode(question, doseq=True)
    answer = google.ask("storage", f"b/{bucket}/o/{name}/iam/testPermissions?{query}")
    if answer is None:
        raise NotAskedError(f"{name} does not say what is allowed on it")
    allowed_permissions = answer.get("permissions", [])
    lacking = sorted(permissions.difference(allowed_permissions))
    if lacking:
        summary = ", ".join(lacking)
        return missing(subject, f"the account lacks {summary}", "")
    return ok(subject, f"{len(permissions)} permissions")
