"""Ask what an account may do, and tell the command that grants the rest."""

from collections.abc import Iterable

from infra.doctor.finding import NotAskedError
from infra.doctor.google import Google


def held(google: Google, product: str, path: str, permissions: Iterable[str]) -> list[str]:
    """Return the asking account's own among these permissions."""
    question = {"permissions": sorted(set(permissions))}
    answer = google.ask(product, path, question) or {}
    held_permissions: list[str] = answer.get("permissions", [])
    return held_permissions


def commands_of_grants(project: str, member: str, roles: list[str]) -> str:
    if len(roles) == 1:
        return command_of_grant(project, member, roles[0])
    names = " ".join(roles)
    command = command_of_grant(project, member, "$role")
    return f"for role in {names}; do {command}; done"


def command_of_grant(project: str, member: str, role: str) -> str:
    return (
        f"gcloud projects add-iam-policy-binding {project} "
        f"--member={member} --role=roles/{role} --condition=None"
    )


def member_of(google: Google) -> str:
    try:
        account = google.account()
    except (NotAskedError, ValueError):
        account = ""
    if not account:
        return '"user:$(gcloud config get account)"'
    kind = "serviceAccount" if account.endswith(".gserviceaccount.com") else "user"
    return f"{kind}:{account}"
