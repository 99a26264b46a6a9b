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

from infra.errors import UsageError
from infra.review import machines, prices, sections
from infra.review.markdown import cut
from infra.review.plan import Plan, read_all
from infra.review.sections import Policy, Standing
from settings import Settings, SettingsError, model_names
from settings.stages import environments

MARKER = "<!-- esteira-plan -->"  # how the workflow finds the comment that it edits
LIMIT = 65_000  # GitHub refuses more than 65,536 characters, and may count some of them twice
# Characters for policy's failures, and for the failed plans. Destroys and replacements come first
# and may take all that is left.
LISTED = 8_000


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
    head = f"{MARKER}\n{sections.headline(plans)}"
    middle = _middle(plans, policy, environments, standing, where)
    room = LIMIT - sections.length([head, *middle])
    changes = sections.irrevocable(plans)
    irrevocable = sections.titled("Destroyed or replaced", changes, room, where)
    parts = [head, *irrevocable, *middle]
    room = LIMIT - sections.length(parts)
    parts += sections.whole_plans(plans, room, where)
    whole_text = "\n\n".join(parts)
    text = cut(whole_text, LIMIT, where)
    return f"{text}\n"


def _urgency(plan: Plan) -> tuple[int, int, bool, bool, str]:
    destroyed, replaced = plan.count("destroy"), plan.count("replace")
    return -destroyed, -replaced, not plan.error, plan.empty, plan.stack


def _middle(
    plans: Sequence[Plan],
    policy: Policy | None,
    environments: Iterable[Settings],
    standing: Standing,
    where: str,
) -> list[str]:
    """Return the sections between the irrevocable and the whole plans."""
    refusals = sections.refusals(policy)
    texts = sections.titled("Refused by policy", refusals, LISTED, "the log of `make policy`")
    has_content = any(not plan.empty for plan in plans)
    if has_content:
        stages = {plan.stage for plan in plans}
        stage_settings = [settings for settings in environments if settings.stage in stages]
        failures = sections.failures(plans)
        texts += sections.titled("Plans that failed", failures, LISTED, where)
        planned = {stage: standing[stage] for stage in standing if stage in stages}
        texts += [
            sections.table(plans),
            sections.always_on(planned),
            sections.untold(stage_settings),
        ]
        if policy and not policy["failures"]:
            passed = policy["passed"]
            texts.append(f"Policy: {passed} checks passed.")
    return [text for text in texts if text]


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
    """The sentences on each stage's standing machines; raises UsageError for wrong prices."""
    models = model_names()
    standing = {}
    for settings in stages:
        stage_machines = machines.of_stage(settings, models, stacks)
        now = machines.read_running(plans, settings.stage)
        team_prices = prices.read(settings.region)
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
