"""Compose the one comment on a pull request: the changes of its plans.

    python -m infra.review.plan_comment PLANS_DIR [--stacks cdktf.out/stacks] [--policy FILE.json]

The irrevocable comes first. PLANS_DIR is what `make plan` filled. The module needs the standard
library only, so that no venv is made for it.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from infra.review.markdown import code, cut, folded, plain, row, shares
from infra.review.plan import Plan, read_all
from settings import Settings, SettingsError, model_names
from settings.stages import environments

Policy = dict[str, Any]  # what `python -m infra.policy.judgement --json` writes
MARKER = "<!-- esteira-plan -->"  # how the workflow finds the comment that it edits
LIMIT = 65_000  # GitHub refuses more than 65,536 characters, and may count some of them twice
# What policy's failures may take of it, and the plans that failed; destroys and replacements take
# what they need.
LISTED = 8_000
COUNTED = ("add", "change", "replace", "destroy")


def comment(
    plans: Sequence[Plan],
    policy: Policy | None,
    environments: Iterable[Settings],
    models: Sequence[str],
    where: str,
) -> str:
    """The Markdown, always within GitHub's limit.

    `where` says in which place the whole plans are.
    """
    plans = sorted(plans, key=_urgency)
    head = f"{MARKER}\n{headline(plans)}"
    sections = _sections(plans, policy, environments, models, where)
    room = LIMIT - _length([head, *sections])
    irrevocable = _listed("Destroyed or replaced", _irrevocable(plans), room, where)
    parts = [head, *irrevocable, *sections]
    parts += _folded(plans, LIMIT - _length(parts), where)
    return cut("\n\n".join(parts), LIMIT, where) + "\n"


def _urgency(plan: Plan) -> tuple[int, int, bool, bool, str]:
    destroyed, replaced = plan.count("destroy"), plan.count("replace")
    return -destroyed, -replaced, not plan.error, plan.empty, plan.stack


def _sections(
    plans: Sequence[Plan],
    policy: Policy | None,
    environments: Iterable[Settings],
    models: Sequence[str],
    where: str,
) -> list[str]:
    """Return the sections between the irrevocable and the whole plans."""
    refusals = _refusals(policy)
    sections = _listed("Refused by policy", refusals, LISTED, "the log of `make policy`")
    if not all(plan.empty for plan in plans):
        failures = [
            f"- {code(plan.stack)}: {code(_reason(plan.error))}" for plan in plans if plan.error
        ]
        stages = {plan.stage for plan in plans}
        stage_settings = [settings for settings in environments if settings.stage in stages]
        sections += [
            *_listed("Plans that failed", failures, LISTED, where),
            table(plans),
            always_on(stage_settings, models),
        ]
        if policy and not policy["failures"]:
            sections.append(f"Policy: {policy['passed']} checks passed.")
    return [section for section in sections if section]


def headline(plans: Sequence[Plan]) -> str:
    if not plans:
        return "**Nothing was planned.**"
    counts = [
        f"{total} to {action}"
        for action in COUNTED
        if (total := sum(plan.count(action) for plan in plans))
    ]
    if not counts and any(plan.outputs_change for plan in plans):
        counts = ["outputs to change"]
    failure_count = sum(bool(plan.error) for plan in plans)
    failures = f"; {_numbered(failure_count, 'plan')} failed" if failure_count else ""
    environments = _numbered(len({plan.stage for plan in plans}), "environment")
    stacks = _numbered(len(plans), "stack")
    return f"**{environments}, {stacks}: {', '.join(counts) or 'nothing to do'}{failures}.**"


def table(plans: Sequence[Plan]) -> str:
    rows = [row("stack", *COUNTED), row("---", *["---:"] * len(COUNTED))]
    for plan in plans:
        if plan.error:
            rows.append(row(code(plan.stack), "failed", *[""] * (len(COUNTED) - 1)))
        elif not plan.empty:
            rows.append(row(code(plan.stack), *(plan.count(action) or "" for action in COUNTED)))
    quiet_stacks = [code(plan.stack) for plan in plans if plan.empty]
    body = "\n".join(rows) if len(rows) > 2 else ""
    note = f"\n\nNothing to do in {', '.join(quiet_stacks)}." if quiet_stacks else ""
    return body + note


def always_on(environments: Sequence[Settings], models: Sequence[str]) -> str:
    """Tell the machines behind the endpoints; Terraform knows nothing of them.

    The delivery puts the models there.
    """
    if not environments or not models:
        return ""
    rows = [row("environment", "runs all the time"), row("---", "---")]
    names = ", ".join(code(model) for model in models)
    for settings in environments:
        serving = settings.serving
        machines = f"{len(models) * serving.min_replicas} × {code(serving.machine_type)}"
        replicas = _numbered(serving.min_replicas, "replica")
        load = (
            f"{machines}: {replicas} each of {names}"
            if serving.keep_warm
            else "nothing: models are undeployed after their smoke test"
        )
        rows.append(row(settings.stage, load))
    return "\n".join(rows)


def _refusals(policy: Policy | None) -> list[str]:
    failures = policy["failures"] if policy else []
    lines = []
    for failure in failures:
        keys = [key for key in ("stack", "address", "check", "sentence") if failure[key]]
        lines.append(f"- {' '.join(code(failure[key]) for key in keys)}")
    return lines


def _irrevocable(plans: Sequence[Plan]) -> list[str]:
    lines = []
    for action in ("destroy", "replace"):
        changes = [change for plan in plans for change in plan.changes if change.action == action]
        for change in changes:
            attributes = ", ".join(code(attribute) for attribute in change.forced_by)
            cause = f", forced by {attributes}" if change.forced_by else ""
            lines.append(f"- **{action}** {code(change.path)} ({code(change.address)}){cause}")
    return lines


def _listed(title: str, lines: list[str], room: int, where: str) -> list[str]:
    title = f"### {title}\n"
    return [title + cut("\n".join(lines), room - len(title), where)] if lines else []


def _folded(plans: Sequence[Plan], room: int, where: str) -> list[str]:
    """Return the whole plans, cut evenly to fit the room."""
    texts = {
        plan.stack: plain(plan.error or plan.text)
        for plan in plans
        if not plan.empty and (plan.error or plan.text)
    }
    room -= _length([folded(stack, "") for stack in texts])
    if room < 0:
        return [f"No room is left for the plans themselves: {where}."]
    portions = shares([len(text) for text in texts.values()], room)
    return [
        folded(stack, cut(text, portion, where))
        for (stack, text), portion in zip(texts.items(), portions, strict=True)
    ]


def _length(parts: Sequence[str]) -> int:
    return sum(len(part) + 2 for part in parts)


def _reason(error: str) -> str:
    """Return Terraform's first Error sentence, or the first line."""
    frame = " │╷╵"
    lines = [line.strip(frame) for line in plain(error).splitlines() if line.strip(frame)]
    first_line = lines[0] if lines else ""
    return next((line for line in lines if line.startswith("Error")), first_line)


def _numbered(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="plan_comment", description="Compose a pull request's comment from its plans."
    )
    parser.add_argument("plans", type=Path, metavar="PLANS_DIR")
    parser.add_argument(
        "--stacks",
        type=Path,
        default=Path("cdktf.out/stacks"),
        help="the synthesized stacks, each of which must have a plan",
    )
    parser.add_argument("--policy", type=Path, help="what infra.policy.judgement wrote with --json")
    options = parser.parse_args(arguments)
    if not options.plans.is_dir():
        print(
            f"plan_comment: {options.plans} is no folder, give the one that `make plan` filled",
            file=sys.stderr,
        )
        return 2
    try:
        policy = _policy(options.policy)
    except ValueError as error:
        print(
            f"plan_comment: {options.policy} is not what infra.policy.judgement writes: {error}",
            file=sys.stderr,
        )
        return 2
    try:
        stages = environments()
    except SettingsError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2
    refused = policy and policy["failures"] and not any(options.plans.iterdir())
    plans = [] if refused else read_all(options.plans, options.stacks)
    print(comment(plans, policy, stages.values(), model_names(), _where()), end="")
    return 0


def _policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    if not path.exists():
        sentence = f"policy was not checked: {path.name} is missing"
        return {
            "passed": 0,
            "failures": [{"stack": "", "address": "", "check": "", "sentence": sentence}],
        }
    policy = json.loads(path.read_text())
    if not isinstance(policy, dict) or not {"passed", "failures"} <= policy.keys():
        raise ValueError("it lacks passed or failures")
    return policy


def _where() -> str:
    """Name the run with the plans, or the command to make them.

    The run is the one of GitHub Actions; outside of it the plans are made with the command.
    """
    names = ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    server, repository, run = (os.environ.get(name, "") for name in names)
    if not (server and repository and run):
        return "`make plan`"
    return f"the artifacts of {server}/{repository}/actions/runs/{run}"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
