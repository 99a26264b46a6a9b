"""Compose the one comment on a pull request: the changes of its plans.

    python -m infra.review.plan_comment PLANS_DIR [--stacks cdktf.out/stacks] [--policy FILE.json]

The irrevocable comes first. PLANS_DIR is what `make plan` filled. The module needs the standard
library only, so that no venv is made for it.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from infra import addressees
from infra.errors import UsageError
from infra.review import machines, prices
from infra.review.markdown import code, cut, folded, plain, row, shares
from infra.review.plan import Plan, read_all
from settings import Settings, SettingsError, model_names
from settings.stages import environments

Policy = dict[str, Any]  # what `python -m infra.policy.judgement --json` writes
Standing = Mapping[str, Sequence[str]]  # stage -> the sentences of machines.sentences
MARKER = "<!-- esteira-plan -->"  # how the workflow finds the comment that it edits
LIMIT = 65_000  # GitHub refuses more than 65,536 characters, and may count some of them twice
# Characters for policy's failures, and for the failed plans. Destroys and replacements come first
# and may take all that is left.
LISTED = 8_000
LONGEST_SENTENCE = 1_000  # one that names all models
COUNTED = ("add", "change", "replace", "destroy")


def comment(
    plans: Sequence[Plan],
    policy: Policy | None,
    environments: Iterable[Settings],
    standing: Standing,
    where: str,
) -> str:
    """The Markdown, always within GitHub's limit.

    `standing` says what runs all the time, `where` in which place the whole plans are.
    """
    plans = sorted(plans, key=_urgency)
    head = f"{MARKER}\n{headline(plans)}"
    sections = _sections(plans, policy, environments, standing, where)
    room = LIMIT - _length([head, *sections])
    irrevocable = _listed("Destroyed or replaced", _irrevocable(plans), room, where)
    parts = [head, *irrevocable, *sections]
    room = LIMIT - _length(parts)
    parts += _folded(plans, room, where)
    whole_text = "\n\n".join(parts)
    text = cut(whole_text, LIMIT, where)
    return f"{text}\n"


def _urgency(plan: Plan) -> tuple[int, int, bool, bool, str]:
    destroyed, replaced = plan.count("destroy"), plan.count("replace")
    return -destroyed, -replaced, not plan.error, plan.empty, plan.stack


def _sections(
    plans: Sequence[Plan],
    policy: Policy | None,
    environments: Iterable[Settings],
    standing: Standing,
    where: str,
) -> list[str]:
    """Return the sections between the irrevocable and the whole plans."""
    refusals = _refusals(policy)
    sections = _listed("Refused by policy", refusals, LISTED, "the log of `make policy`")
    has_content = any(not plan.empty for plan in plans)
    if has_content:
        stages = {plan.stage for plan in plans}
        stage_settings = [settings for settings in environments if settings.stage in stages]
        sections += _listed("Plans that failed", _failures(plans), LISTED, where)
        planned = {stage: standing[stage] for stage in standing if stage in stages}
        sections += [table(plans), always_on(planned), untold(stage_settings)]
        if policy and not policy["failures"]:
            passed = policy["passed"]
            sections.append(f"Policy: {passed} checks passed.")
    return [section for section in sections if section]


def _failures(plans: Sequence[Plan]) -> list[str]:
    lines = []
    for plan in plans:
        if plan.error:
            reason = _reason(plan.error)
            lines.append(f"- {code(plan.stack)}: {code(reason)}")
    return lines


def headline(plans: Sequence[Plan]) -> str:
    if not plans:
        return "**Nothing was planned.**"
    totals = {action: sum(plan.count(action) for plan in plans) for action in COUNTED}
    counts = [f"{total} to {action}" for action, total in totals.items() if total]
    outputs_change = any(plan.outputs_change for plan in plans)
    if not counts and outputs_change:
        counts = ["outputs to change"]
    summary = ", ".join(counts) or "nothing to do"
    failed_plans = [plan for plan in plans if plan.error]
    if failed_plans:
        count = _numbered(len(failed_plans), "plan")
        summary += f"; {count} failed"
    stage_names = {plan.stage for plan in plans}
    stages = _numbered(len(stage_names), "stage")
    stacks = _numbered(len(plans), "stack")
    return f"**{stages}, {stacks}: {summary}.**"


def table(plans: Sequence[Plan]) -> str:
    head, body = [row("stack", *COUNTED), row("---", *["---:"] * len(COUNTED))], []
    empty_cells = [""] * (len(COUNTED) - 1)
    for plan in plans:
        if plan.error:
            body.append(row(code(plan.stack), "failed", *empty_cells))
        elif not plan.empty:
            counts = [plan.count(action) or "" for action in COUNTED]
            body.append(row(code(plan.stack), *counts))
    text = "\n".join(head + body) if body else ""
    quiet_stacks = ", ".join(code(plan.stack) for plan in plans if plan.empty)
    if quiet_stacks:
        text += f"\n\nNothing to do in {quiet_stacks}."
    return text


def always_on(standing: Standing) -> str:
    """Return a table of what runs all the time, by stage, in the sentences of `make plan`."""
    if not standing:
        return ""
    rows = [row("stage", "runs all the time, once its models are delivered"), row("---", "---")]
    for stage, sentences in standing.items():
        rows += [row(stage, code(sentence, LONGEST_SENTENCE)) for sentence in sentences]
    return "\n".join(rows)


def untold(environments: Sequence[Settings]) -> str:
    """Say which of the stages tell nobody of their alerts."""
    gaps = [addressees.gap(settings) for settings in environments]
    return "\n".join(f"- {gap}" for gap in gaps if gap)


def _refusals(policy: Policy | None) -> list[str]:
    failures = policy["failures"] if policy else []
    lines = []
    for failure in failures:
        texts = [failure[key] for key in ("stack", "address", "check", "sentence")]
        words = " ".join(code(text) for text in texts if text)
        lines.append(f"- {words}")
    return lines


def _irrevocable(plans: Sequence[Plan]) -> list[str]:
    lines = []
    for action in ("destroy", "replace"):
        changes = [change for plan in plans for change in plan.changes if change.action == action]
        for change in changes:
            path, address = code(change.path), code(change.address)
            line = f"- **{action}** {path} ({address})"
            if change.forced_by:
                attributes = ", ".join(code(attribute) for attribute in change.forced_by)
                line += f", forced by {attributes}"
            lines.append(line)
    return lines


def _listed(title: str, lines: list[str], room: int, where: str) -> list[str]:
    if not lines:
        return []
    head, body = f"### {title}\n", "\n".join(lines)
    return [head + cut(body, room - len(head), where)]


def _folded(plans: Sequence[Plan], room: int, where: str) -> list[str]:
    """Return the whole plans, cut evenly to fit the room."""
    texts = {}
    for plan in plans:
        text = plan.error or plan.text
        if text and not plan.empty:
            texts[plan.stack] = plain(text)
    room -= _length([folded(stack, "") for stack in texts])
    if room < 0:
        return [f"No room is left for the plans themselves: {where}."]
    portions = shares([len(text) for text in texts.values()], room)
    blocks = []
    for (stack, text), portion in zip(texts.items(), portions, strict=True):
        part = cut(text, portion, where)
        blocks.append(folded(stack, part))
    return blocks


def _length(parts: Sequence[str]) -> int:
    return sum(len(part) + 2 for part in parts)


def _reason(error: str) -> str:
    """Return Terraform's first Error sentence, or the first line."""
    unframed_lines = [line.strip(" │╷╵") for line in plain(error).splitlines()]
    lines = [line for line in unframed_lines if line]
    for line in lines:
        if line.startswith("Error"):
            return line
    return lines[0] if lines else ""


def _numbered(count: int, noun: str) -> str:
    ending = "" if count == 1 else "s"
    return f"{count} {noun}{ending}"


def _parser() -> argparse.ArgumentParser:
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
    return parser


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    folder = options.plans
    if not folder.is_dir():
        _complain(f"plan_comment: {folder} is no folder, give the one that `make plan` filled")
        return 2
    try:
        policy = _policy(options.policy)
    except ValueError as error:
        _complain(
            f"plan_comment: {options.policy} is not what infra.policy.judgement writes: {error}"
        )
        return 2
    try:
        stages = environments()
    except SettingsError as error:
        _complain(f"environments.py: {error}")
        return 2
    try:
        standing = _standing(folder, options.stacks, stages.values())
    except UsageError as error:
        _complain(str(error))
        return 2
    refused = policy and policy["failures"] and not any(folder.iterdir())
    plans = [] if refused else read_all(folder, options.stacks)
    text = comment(plans, policy, stages.values(), standing, _where())
    print(text, end="")
    return 0


def _standing(plans: Path, stacks: Path, stages: Iterable[Settings]) -> Standing:
    """Say what runs all the time in each stage; raise UsageError for wrong prices."""
    team_prices, models = prices.read(), model_names()
    standing = {}
    for settings in stages:
        stage_machines = machines.of_stage(settings, models, stacks)
        now = machines.read_running(plans, settings.stage)
        standing[settings.stage] = machines.sentences(stage_machines, now, team_prices)
    return standing


def _complain(sentence: str) -> None:
    print(sentence, file=sys.stderr)


def _policy(path: Path | None) -> Policy | None:
    if path is None:
        return None
    if not path.exists():
        sentence = f"policy was not checked: {path.name} is missing"
        failure = {"stack": "", "address": "", "check": "", "sentence": sentence}
        return {"passed": 0, "failures": [failure]}
    policy = json.loads(path.read_text(encoding="utf-8"))
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
