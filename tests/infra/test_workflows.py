"""GitHub's workflows: the repository's own targets and pinned actions.

No identity is where a stranger's change could reach it.
"""

import dataclasses
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from keyword import iskeyword
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

import environments
from environments import ENVIRONMENTS
from infra import stage_order
from infra.review.plan_comment import MARKER
from pipeline.__main__ import parser
from settings import REPOSITORY

Step = dict[str, Any]
FOLDER = REPOSITORY / ".github" / "workflows"
WORKFLOWS = {
    path.name: yaml.load(path.read_text(), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.yml"))
}  # BaseLoader: `on` stays a text
MAKEFILE = (REPOSITORY / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z_-]+):", MAKEFILE, re.MULTILINE))
MATRIX_STAGE = "${{ matrix.stage }}"
every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


class Job(SimpleNamespace):
    """A job by GitHub's words, with `if_` and `with_` for Python's keywords."""

    @property
    def matrix(self) -> dict[str, str]:
        return self.strategy["matrix"]

    @property
    def commands(self) -> list[str]:
        return [step["run"] for step in self.steps if "run" in step]

    def step_with(self, action: str) -> Step:
        """The only step with this action."""
        [step] = [step for step in self.steps if action in step.get("uses", "")]
        return step


def jobs(workflow: str) -> dict[str, Job]:
    configurations = WORKFLOWS[workflow]["jobs"]
    return {name: read_job(configurations[name]) for name in configurations}


def read_job(configuration: dict[str, Any]) -> Job:
    words = {}
    for word, value in configuration.items():
        attribute = f"{word}_" if iskeyword(word) else word
        words[attribute] = value
    return Job(**words)


def job(workflow: str, name: str) -> Job:
    return jobs(workflow)[name]


def steps(name: str) -> Iterator[Step]:
    for job in jobs(name).values():
        yield from getattr(job, "steps", [])


def scripts(name: str) -> str:
    return "\n".join(step["run"] for step in steps(name) if "run" in step)


@every_workflow
def test_every_action_is_pinned_by_its_sha(name: str) -> None:
    for step in steps(name):
        if "uses" in step:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", step["uses"])


@every_workflow
def test_a_called_workflow_is_one_of_this_commit(name: str) -> None:
    workflows = {f"$/.github/workflows/{workflow}" for workflow in WORKFLOWS}

    for job in jobs(name).values():
        if hasattr(job, "uses"):
            assert job.uses in workflows


@every_workflow
def test_nothing_is_permitted_but_what_a_job_asks_for(name: str) -> None:
    workflow = WORKFLOWS[name]

    assert workflow["permissions"] == {}
    for job in workflow["jobs"].values():
        assert "permissions" in job


@every_workflow
def test_no_script_has_text_pasted_into_it(name: str) -> None:
    assert "${{" not in scripts(name)


@every_workflow
def test_every_target_exists(name: str) -> None:
    called = re.findall(r"\bmake (?:--\S+ )*(\S+)", scripts(name))

    assert called
    assert set(called) <= TARGETS


@every_workflow
def test_bootstrap_is_never_touched_and_nothing_is_applied_but_by_make_deploy(name: str) -> None:
    forbidden = r"bootstrap|teardown|terraform|cdktf (deploy|destroy)|auto-approve"

    assert not re.search(forbidden, scripts(name))


@every_workflow
def test_only_jobs_of_an_environment_can_ask_for_an_identity(name: str) -> None:
    for job in jobs(name).values():
        if "id-token" in job.permissions and not hasattr(job, "environment"):
            assert job.uses == "$/.github/workflows/stage.yml"


@every_workflow
def test_no_workflow_names_a_stage_or_a_branch(name: str) -> None:
    """environments.py alone lists the stages, and GitHub alone knows the default branch."""
    file = FOLDER / name
    code = re.sub("#.*", "", file.read_text())

    stages = re.findall(r"\b(dev|staging|prod|master)\b", code)
    branches = re.findall(r"(?<!name: )\bmain\b", code)
    assert stages == []
    assert branches == []


def test_a_pull_request_plans_every_environment_and_applies_none() -> None:
    plan, review = job("plan.yml", "plan"), job("plan.yml", "review")

    assert plan.matrix == {"stage": "${{ fromJSON(needs.review.outputs.stages) }}"}
    assert review.outputs == {"stages": "${{ steps.order.outputs.all }}"}
    assert 'make --silent stages >> "$GITHUB_OUTPUT"' in review.commands
    assert plan.with_ == {"stage": MATRIX_STAGE, "apply": "false"}


def test_a_pull_request_meets_an_identity_only_after_policy_and_from_a_branch_of_ours() -> None:
    review = job("plan.yml", "review")
    plan = job("plan.yml", "plan")
    compose = job("plan.yml", "compose")
    from_ours = "github.event.pull_request.head.repo.full_name == github.repository"

    assert review.permissions == {"contents": "read"}
    assert not hasattr(review, "environment")
    assert plan.needs == "review"
    assert from_ours in plan.if_
    assert from_ours in compose.if_


def test_who_may_comment_runs_nothing_of_the_pull_request_and_reads_its_text_as_data() -> None:
    compose, comment = job("plan.yml", "compose"), job("plan.yml", "comment")
    upload, download = compose.step_with("upload-artifact"), comment.step_with("download-artifact")
    [script] = comment.commands

    assert compose.permissions == {"contents": "read"}
    assert comment.needs == "compose"
    assert comment.permissions == {"pull-requests": "write"}
    assert len(comment.steps) == 2
    assert upload["with"]["name"] == download["with"]["name"]
    assert 'test ! -L "$text"' in script
    assert not re.search(r"\b(make|python3?|bash|sh|source|eval)\b", script)


def test_the_comment_is_found_again_by_its_marker() -> None:
    assert f'startswith("{MARKER}")' in scripts("plan.yml")


STAGES = """\
first=["dev", "lab"]
later=["staging", "prod", "far"]
all=["dev", "lab", "staging", "prod", "far"]
"""


def test_the_stages_are_told_in_the_order_of_promotion(monkeypatch, capsys) -> None:
    dev, staging, prod = ENVIRONMENTS.values()
    lab = dataclasses.replace(dev, stage="lab")
    far = dataclasses.replace(prod, stage="far", promotes_from="prod")
    stages = {settings.stage: settings for settings in (far, prod, dev, staging, lab)}
    monkeypatch.setattr(environments, "ENVIRONMENTS", stages)

    code = stage_order.main()

    assert code == 0
    output = capsys.readouterr()
    assert output.out == STAGES


def test_a_single_stage_has_none_after_it(monkeypatch, capsys) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"dev": ENVIRONMENTS["dev"]})

    code = stage_order.main()

    assert code == 0
    output = capsys.readouterr()
    assert output.out == 'first=["dev"]\nlater=[]\nall=["dev"]\n'


def test_a_push_to_the_default_branch_applies_the_first_stages_and_then_the_others_in_turn() -> (
    None
):
    main, order = jobs("main.yml"), "needs.stages.outputs"
    stages, first, later = main["stages"], main["first"], main["later"]

    branch = "format('refs/heads/{0}', github.event.repository.default_branch)"
    assert stages.if_ == f"github.ref == {branch}"
    assert stages.commands == ['make --silent stages >> "$GITHUB_OUTPUT"']
    assert main["checks"].needs == "stages"
    assert first.needs == ["stages", "checks"]
    assert later.needs == ["stages", "first"]
    assert first.matrix == {"stage": f"${{{{ fromJSON({order}.first) }}}}"}
    assert later.strategy == {
        "max-parallel": "1",
        "matrix": {"stage": f"${{{{ fromJSON({order}.later) }}}}"},
    }
    assert first.with_ == {"stage": MATRIX_STAGE, "apply": "true"}
    assert later.with_ == {"stage": MATRIX_STAGE, "apply": "true"}


def test_what_follows_a_stage_runs_where_nothing_was_applied_and_not_where_something_failed() -> (
    None
):
    """Without a condition of its own a job is skipped behind a skipped one.

    An apply without changes is skipped.
    """
    push, later = job("main.yml", "push"), job("main.yml", "later")
    applied = "!cancelled() && needs.first.result == 'success'"

    assert push.if_ == f"${{{{ {applied} }}}}"
    assert later.if_ == f"${{{{ {applied} && needs.stages.outputs.later != '[]' }}}}"


def test_a_commit_is_pushed_to_the_first_stage_right_after_its_apply_and_waits_for_no_other() -> (
    None
):
    push, first = job("main.yml", "push"), job("main.yml", "first")

    assert push.needs == ["stages", "first"]
    assert push.matrix == first.matrix
    assert push.concurrency == {
        "group": "push-${{ matrix.stage }}",
        "cancel-in-progress": "false",
    }
    assert push.permissions == {"contents": "read", "id-token": "write"}
    for job_ in jobs("main.yml").values():
        assert "push" not in getattr(job_, "needs", [])


def test_a_push_reads_the_whole_history_and_acts_as_the_deployer_of_the_first_stage() -> None:
    push = job("main.yml", "push")
    checkout = push.step_with("actions/checkout")
    first_command, *_ = push.commands
    names = ENVIRONMENTS["dev"].names

    assert checkout["with"] == {"fetch-depth": "0", "persist-credentials": "false"}
    assert push.environment == MATRIX_STAGE
    assert push.env == {"STAGE": MATRIX_STAGE}
    assert names.github_environment("deployer") == "dev"
    assert first_command == 'make --silent identity env="$STAGE" role=deployer >> "$GITHUB_OUTPUT"'


def test_what_the_login_writes_into_the_checkout_is_no_change_of_it() -> None:
    """`push` refuses a checkout with files outside of every commit."""
    credentials = "gha-creds-0123456789abcdef.json"

    process = subprocess.run(
        ["git", "check-ignore", "--quiet", "--no-index", credentials], cwd=REPOSITORY
    )

    assert process.returncode == 0


def test_what_pushes_is_the_command_line_s_own_verb() -> None:
    head = "c" * 40
    push = job("main.yml", "push")
    *_, command = push.commands
    filled = command.replace("$GITHUB_SHA", head).replace("$STAGE", "lab")
    words = shlex.split(filled)

    options = parser().parse_args(words[3:])

    assert command.startswith("python3 -m pipeline push ")
    assert options.env == "lab"
    assert options.head == head
    assert options.again is False
    assert options.retrain is False


def test_one_run_at_a_time_has_an_environment_and_none_is_cancelled() -> None:
    alone = {"group": "deploy-${{ matrix.stage }}", "cancel-in-progress": "false"}

    deployments = [job for job in jobs("main.yml").values() if hasattr(job, "with_")]

    assert len(deployments) == 2
    for deployment in deployments:
        assert deployment.concurrency == alone
    assert "concurrency" not in WORKFLOWS["main.yml"]


COUNT = (
    'python3 -c "import json, sys; '
    """print(f'changes={len(json.load(open(sys.argv[1])))}')" """
    '"plans/$STAGE.actions.json" >> "$GITHUB_OUTPUT"'
)


def test_a_plan_without_changes_asks_no_one(tmp_path) -> None:
    plan = job("stage.yml", "plan")
    output, actions = tmp_path / "out", tmp_path / "plans/dev.actions.json"
    actions.parent.mkdir()
    actions.write_text("{}")
    variables = {**os.environ, "STAGE": "dev", "GITHUB_OUTPUT": "out"}

    subprocess.run(["bash", "-ec", COUNT], cwd=tmp_path, env=variables, check=True)

    assert output.read_text() == "changes=0\n"
    assert plan.outputs == {"changes": "${{ steps.counted.outputs.changes }}"}


def test_the_checks_judge_the_stacks_and_build_the_images() -> None:
    checks = [command for job in jobs("checks.yml").values() for command in job.commands]
    [recipe] = re.findall(r"^test: .*\n((?:[\t].*\n|\w.*\n)+)", MAKEFILE, re.MULTILINE)
    recipe_of_integration = (REPOSITORY / ".ci/run").read_text()

    assert checks == ["make test", "make image"]
    assert recipe_of_integration.endswith("make test\n")
    assert "$(MAKE) --no-print-directory policy\n" in recipe


def test_a_newer_push_cancels_no_checks_of_main() -> None:
    concurrency = WORKFLOWS["checks.yml"]["concurrency"]

    assert concurrency["cancel-in-progress"] == "${{ github.event_name == 'pull_request' }}"


def test_the_plan_has_no_right_to_change_and_the_apply_waits_for_the_environments_reviewers() -> (
    None
):
    plan, apply = job("stage.yml", "plan"), job("stage.yml", "apply")

    assert plan.environment == "${{ inputs.stage }}-plan"
    assert apply.environment == "${{ inputs.stage }}"
    assert apply.needs == "plan"
    assert apply.if_ == "inputs.apply && needs.plan.outputs.changes != '0'"
    assert plan.commands == [
        "make policy",
        'make --silent identity env="$STAGE" role=planner >> "$GITHUB_OUTPUT"',
        'make plan env="$STAGE" lock=false out=plans',
        COUNT,
        "mkdir -p plans && python3 -m infra.review.plan plans",
    ]
    assert apply.commands == [
        'make --silent identity env="$STAGE" role=deployer >> "$GITHUB_OUTPUT"',
        'make deploy env="$STAGE" expect="plans/$STAGE.actions.json"',
    ]


def test_plans_are_uploaded_only_once_state_and_secrets_are_taken_out() -> None:
    plan = job("stage.yml", "plan")

    upload = plan.step_with("upload-artifact")

    assert "steps.stripped.outcome == 'success'" in upload["if"]
