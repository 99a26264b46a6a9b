"""The parts of the comment on a pull request, each a Markdown text of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from infra import addressees
from infra.review.markdown import code, cut, folded, plain, row, shares
from infra.review.plan import Plan
from settings import Settings

Policy = dict[str, Any]  # what `python -m infra.policy.judgement --json` writes
Standing = Mapping[str, Sequence[str]]  # stage -> the sentences of machines.sentences
LONGEST_SENTENCE = 1_000  # one that names all models
COUNTED = ("add", "change", "replace", "destroy")


def failures(plans: Sequence[Plan]) -> list[str]:
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
    """Return a table of each stage's standing machines, in the sentences of `make plan`."""
    if not standing:
        return ""
    rows = [row("stage", "runs all the time, once its models are delivered"), row("---", "---")]
    for stage, sentences in standing.items():
        rows += [row(stage, code(sentence, LONGEST_SENTENCE)) for sentence in sentences]
    return "\n".join(rows)


def untold(environments: Sequence[Settings]) -> str:
    """List the stages without an addressee for their alerts."""
    gaps = [addressees.gap(settings) for settings in environments]
    return "\n".join(f"- {gap}" for gap in gaps if gap)


def refusals(policy: Policy | None) -> list[str]:
    failures = policy["failures"] if policy else []
    lines = []
    for failure in failures:
        texts = [failure[key] for key in ("stack", "address", "check", "sentence")]
        words = " ".join(code(text) for text in texts if text)
        lines.append(f"- {words}")
    return lines


def irrevocable(plans: Sequence[Plan]) -> list[str]:
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


def titled(title: str, lines: list[str], room: int, where: str) -> list[str]:
    if not lines:
        return []
    head, body = f"### {title}\n", "\n".join(lines)
    return [head + cut(body, room - len(head), where)]


def whole_plans(plans: Sequence[Plan], room: int, where: str) -> list[str]:
    """Return the whole plans, cut evenly to fit the room."""
    texts = {}
    for plan in plans:
        text = plan.error or plan.text
        if text and not plan.empty:
            texts[plan.stack] = plain(text)
    room -= length([folded(stack, "") for stack in texts])
    if room < 0:
        return [f"No room is left for the plans themselves: {where}."]
    portions = shares([len(text) for text in texts.values()], room)
    blocks = []
    for (stack, text), portion in zip(texts.items(), portions, strict=True):
        part = cut(text, portion, where)
        blocks.append(folded(stack, part))
    return blocks


def length(parts: Sequence[str]) -> int:
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
