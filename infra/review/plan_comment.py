"""Compose the one comment that tells a pull request's readers what it would change, the irrevocable first.

    python -m infra.review.plan_comment PLANS_DIR [--stacks cdktf.out/stacks] [--policy FILE.json]

PLANS_DIR is what `make plan` filled. Needs the standard library only, so that no environment is made for it.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from environments import ENVIRONMENTS
from infra.review.markdown import code, cut, folded, plain, row, shares
from infra.review.plan import Plan, read_all
from settings import Settings, model_names

Policy = dict[str, Any]  # what `python -m infra.policy.judgement --json` writes
MARKER = "<!-- esteira-plan -->"  # how the workflow finds the comment that it edits
LIMIT = 65_000  # GitHub refuses more than 65,536 characters, and may count some of them twice
LISTED = 8_000  # what policy's failures may take of it, and the plans that failed; destroys and replacements take what they need
COUNTED = ("add", "change", "replace", "destroy")


def comment(
    plans: Sequence[Plan],
    policy: Policy | None,
    environments: Iterable[Settings],
    models: Sequence[str],
    where: str,
) -> str:
    """The Markdown, always within GitHub's limit; `where` says in which place the whole plans are."""
    plans = sorted(
        plans,
        key=lambda plan: (
            -plan.count("destroy"),
            -plan.count("replace"),
            not plan.error,
            plan.empty,
            plan.stack,
        ),
    )
    head, rest = (
        f"{MARKER}\n{headline(plans)}",
        _listed("Refused by policy", _refusals(policy), LISTED, "the log of `make policy`"),
    )
    if not all(plan.empty for plan in plans):
        failed = [
            f"- {code(plan.stack)}: {code(_reason(plan.error))}" for plan in plans if plan.error
        ]
        planned = [one for one in environments if one.stage in {plan.stage for plan in plans}]
        rest += [
            *_listed("Plans that failed", failed, LISTED, where),
            table(plans),
            always_on(planned, models),
        ]
        rest += (
            [f"Policy: {policy['passed']} checks passed."]
            if policy and not policy["failures"]
            else []
        )
    rest = [part for part in rest if part]
    parts = [
        head,
        *_listed(
            "Destroyed or replaced", _irrevocable(plans), LIMIT - _length([head, *rest]), where
        ),
        *rest,
    ]
    return (
        cut("\n\n".join(parts + _folded(plans, LIMIT - _length(parts), where)), LIMIT, where) + "\n"
    )


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
    failed = sum(bool(plan.error) for plan in plans)
    failures = f"; {_numbered(failed, 'plan')} failed" if failed else ""
    environments = _numbered(len({plan.stage for plan in plans}), "environment")
    return f"**{environments}, {_numbered(len(plans), 'stack')}: {', '.join(counts) or 'nothing to do'}{failures}.**"


def table(plans: Sequence[Plan]) -> str:
    rows = [row("stack", *COUNTED), row("---", *["---:"] * len(COUNTED))]
    for plan in plans:
        if plan.error:
            rows.append(row(code(plan.stack), "failed", *[""] * (len(COUNTED) - 1)))
        elif not plan.empty:
            rows.append(row(code(plan.stack), *(plan.count(action) or "" for action in COUNTED)))
    quiet = [code(plan.stack) for plan in plans if plan.empty]
    return "\n".join(rows if len(rows) > 2 else []) + (
        f"\n\nNothing to do in {', '.join(quiet)}." if quiet else ""
    )


def always_on(environments: Sequence[Settings], models: Sequence[str]) -> str:
    """The machines behind the endpoints, of which Terraform knows nothing: the delivery puts the models there."""
    if not environments or not models:
        return ""
    rows = [row("environment", "runs all the time"), row("---", "---")]
    for one in environments:
        serving = one.serving
        machines = f"{len(models) * serving.min_replicas} × {code(serving.machine_type)}"
        what = f"{machines}: {_numbered(serving.min_replicas, 'replica')} each of {', '.join(code(model) for model in models)}"
        rows.append(
            row(
                one.stage,
                what
                if serving.keep_warm
                else "nothing: models are undeployed after their smoke test",
            )
        )
    return "\n".join(rows)


def _refusals(policy: Policy | None) -> list[str]:
    failures = policy["failures"] if policy else []
    return [
        f"- {' '.join(code(failure[key]) for key in ('stack', 'address', 'check', 'sentence') if failure[key])}"
        for failure in failures
    ]


def _irrevocable(plans: Sequence[Plan]) -> list[str]:
    lines = []
    for action in ("destroy", "replace"):
        for change in (
            change for plan in plans for change in plan.changes if change.action == action
        ):
            forced = (
                f", forced by {', '.join(code(attribute) for attribute in change.forced_by)}"
                if change.forced_by
                else ""
            )
            lines.append(f"- **{action}** {code(change.path)} ({code(change.address)}){forced}")
    return lines


def _listed(title: str, lines: list[str], room: int, where: str) -> list[str]:
    title = f"### {title}\n"
    return [title + cut("\n".join(lines), room - len(title), where)] if lines else []


def _folded(plans: Sequence[Plan], room: int, where: str) -> list[str]:
    """The whole plans, cut evenly where they do not fit."""
    texts = {
        plan.stack: plain(plan.error or plan.text)
        for plan in plans
        if not plan.empty and (plan.error or plan.text)
    }
    room -= _length([folded(stack, "") for stack in texts])
    if room < 0:
        return [f"No room is left for the plans themselves: {where}."]
    given = zip(texts.items(), shares([len(text) for text in texts.values()], room), strict=True)
    return [folded(stack, cut(text, share, where)) for (stack, text), share in given]


def _length(parts: Sequence[str]) -> int:
    return sum(len(part) + 2 for part in parts)


def _reason(error: str) -> str:
    """The first sentence of terraform's that says Error, or the first line."""
    lines = [line.strip(" │╷╵") for line in plain(error).splitlines() if line.strip(" │╷╵")]
    return next((line for line in lines if line.startswith("Error")), lines[0] if lines else "")


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
    given = parser.parse_args(arguments)
    if not given.plans.is_dir():
        print(
            f"plan_comment: {given.plans} is no folder, give the one that `make plan` filled",
            file=sys.stderr,
        )
        return 2
    try:
        policy = _policy(given.policy)
    except ValueError as error:
        print(
            f"plan_comment: {given.policy} is not what infra.policy.judgement writes: {error}",
            file=sys.stderr,
        )
        return 2
    refused = policy and policy["failures"] and not any(given.plans.iterdir())
    plans = [] if refused else read_all(given.plans, given.stacks)
    print(comment(plans, policy, ENVIRONMENTS.values(), model_names(), _where()), end="")
    return 0


def _policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    if not path.exists():
        missing = f"policy was not checked: {path.name} is missing"
        return {
            "passed": 0,
            "failures": [{"stack": "", "address": "", "check": "", "sentence": missing}],
        }
    policy = json.loads(path.read_text())
    if not isinstance(policy, dict) or not {"passed", "failures"} <= policy.keys():
        raise ValueError("it lacks passed or failures")
    return policy


def _where() -> str:
    """In GitHub Actions the run that holds the plans; elsewhere how to make them."""
    run = [
        os.environ.get(name, "")
        for name in ("GITHUB_SERVER_URL", "GITHUB_REPOSITORY", "GITHUB_RUN_ID")
    ]
    return (
        f"the artifacts of {run[0]}/{run[1]}/actions/runs/{run[2]}" if all(run) else "`make plan`"
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
