"""Which branch's jobs may enter a GitHub environment: its deployment branch policies.

They stop a job before it begins; Google's binding stops the token of one that has begun.
https://docs.github.com/en/rest/deployments/branch-policies
"""

from infra.doctor.finding import Finding, missing, ok
from infra.doctor.rest import Body

POLICIES = "deployment-branch-policies"
CUSTOM = (
    "-F 'deployment_branch_policy[protected_branches]=false' "
    "-F 'deployment_branch_policy[custom_branch_policies]=true'"
)


def creation(path: str, branch: str, *options: str) -> str:
    """The command that makes the environment at `path`, or sets its rules anew, for one branch."""
    put = " ".join([f"gh api --method PUT {path}", *options, CUSTOM])
    return f"{put} && {_addition(path, branch)}"


def only_branch(
    subject: str, *, path: str, branch: str, environment: Body, policies: list[Body], page: str
) -> Finding:
    """Check that jobs of `branch` may enter, and of no other branch or tag.

    `policies` are GitHub's for the environment. Its settings' `page` is the way where a command
    would drop other rules.
    """
    policy = environment.get("deployment_branch_policy") or {}
    if not policy.get("custom_branch_policies"):
        return _open(subject, path, branch, environment, page)
    others = [entry for entry in policies if not _is_branch(entry, branch)]
    commands = [f"gh api --method DELETE {path}/{POLICIES}/{entry['id']}" for entry in others]
    if len(others) == len(policies):
        addition = _addition(path, branch)
        commands.append(addition)
    if not commands:
        return ok(subject, f"{branch} alone")
    names = [str(entry["name"]) for entry in policies]
    summary = ", ".join(names) or "nothing"
    return missing(
        subject,
        f"the rules of its branches let in {summary}, allowed is the branch {branch}",
        " && ".join(commands),
    )


def _open(subject: str, path: str, branch: str, environment: Body, page: str) -> Finding:
    """The finding for an environment without branches of its own."""
    policy = environment.get("deployment_branch_policy")
    those = "every protected branch" if policy else "every branch"
    detail = f"{those} may apply, allowed is {branch}"
    rules = environment.get("protection_rules", [])
    kinds = {rule["type"] for rule in rules}
    if kinds <= {"branch_policy"}:
        return missing(subject, detail, creation(path, branch))
    return missing(subject, detail, f"let {branch} alone deploy: {page}")


def _addition(path: str, branch: str) -> str:
    return f"gh api --method POST {path}/{POLICIES} -f name={branch}"


def _is_branch(entry: Body, branch: str) -> bool:
    """A tag may have the branch's name; an older GitHub names no type, and means a branch."""
    kind = entry.get("type", "branch")
    return (kind, entry["name"]) == ("branch", branch)
