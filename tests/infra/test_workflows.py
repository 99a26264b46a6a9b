"""GitHub's workflows: the repository's own targets and pinned actions.

No identity is where a stranger's change could reach it.
"""

import dataclasses
import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

import environments
from environments import ENVIRONMENTS
from infra import stage_order
from infra.review.plan_comment import MARKER
from pipeline.__main__ import parser
from settings import REPOSITORY

FOLDER = REPOSITORY / ".github" / "workflows"
WORKFLOWS = {
    path.name: yaml.load(path.read_text(), yaml.BaseLoader) for path in sorted(FOLDER.glob("*.yml"))
}  # BaseLoader: `on` stays a text
TARGETS = set(re.findall(r"^([a-z_-]+):", (REPOSITORY / "Makefile").read_text(), re.MULTILINE))
every_workflow = pytest.mark.parametrize("name", WORKFLOWS)


def jobs(name: str) -> dict[str, dict[str, Any]]:
    return WORKFLOWS[name]["jobs"]


def steps(name: str) -> Iterator[dict[str, Any]]:
    for job in jobs(name).values():
        yield from job.get("steps", [])


def scripts(name: str) -> str:
    return "\n".join(step["run"] for step in steps(name) if "run" in step)


@every_workflow
def test_every_action_is_pinned_by_its_sha(name: str) -> None:
    used = [step["uses"] for step in steps(name) if "uses" in step]

    assert all(re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action) for action in used), used


@every_workflow
def test_a_called_workflow_is_one_of_this_commit(name: str) -> None:
    called = {job["uses"] for job in jobs(name).values() if "uses" in job}

    assert called <= {f"$/.github/workflows/{workflow}" for workflow in WORKFLOWS}


@every_workflow
def test_nothing_is_permitted_but_what_a_job_asks_for(name: str) -> None:
    assert WORKFLOWS[name]["permissions"] == {}
    assert all("permissions" in job for job in jobs(name).values())


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
    assert not re.search(
        r"bootstrap|teardown|terraform|cdktf (deploy|destroy)|auto-approve", scripts(name)
    )


@every_workflow
def test_only_jobs_of_an_environment_can_ask_for_an_identity(name: str) -> None:
    for job in jobs(name).values():
        if "id-token" in job["permissions"]:
            assert "environment" in job or job["uses"] == "$/.github/workflows/stage.yml"


@every_workflow
def test_no_workflow_names_a_stage_or_a_branch(name: str) -> None:
    """environments.py alone lists the stages, and GitHub alone knows the default branch."""
    text = (FOLDER / name).read_text()
    code = "\n".join(line.split("#")[0] for line in text.splitlines())

    assert re.findall(r"\b(dev|staging|prod|master)\b", code) == []
    assert re.findall(r"\bmain\b", code.replace("name: main", "")) == []


def test_a_pull_request_plans_every_environment_and_applies_none() -> None:
    plan, review = jobs("plan.yml")["plan"], jobs("plan.yml")["review"]

    assert plan["strategy"]["matrix"] == {"stage": "${{ fromJSON(needs.review.outputs.stages) }}"}
    assert review["outputs"] == {"stages": "${{ steps.order.outputs.all }}"}
    assert 'make --silent stages >> "$GITHUB_OUTPUT"' in _lines(review)
    assert plan["with"] == {"stage": "${{ matrix.stage }}", "apply": "false"}


def test_a_pull_request_meets_an_identity_only_after_policy_and_from_a_branch_of_ours() -> None:
    review, plan, comment = (jobs("plan.yml")[name] for name in ("review", "plan", "comment"))

    assert review["permissions"] == {"contents": "read"}
    assert "environment" not in review
    assert plan["needs"] == "review"
    for job in (plan, comment):
        assert "github.event.pull_request.head.repo.full_name == github.repository" in job["if"]
    assert "id-token" not in comment["permissions"]


def test_the_comment_is_found_again_by_its_marker() -> None:
    assert f'startswith("{MARKER}")' in scripts("plan.yml")


STAGES = """
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

    assert stage_order.main() == 0
    assert capsys.readouterr().out == STAGES.lstrip()


def test_a_single_stage_has_none_after_it(monkeypatch, capsys) -> None:
    monkeypatch.setattr(environments, "ENVIRONMENTS", {"dev": ENVIRONMENTS["dev"]})

    assert stage_order.main() == 0
    assert capsys.readouterr().out == 'first=["dev"]\nlater=[]\nall=["dev"]\n'


def test_a_push_to_the_default_branch_applies_the_first_stages_and_then_the_others_in_turn() -> (
    None
):
    main, order = jobs("main.yml"), "needs.stages.outputs"

    assert main["stages"]["if"] == "github.ref_name == github.event.repository.default_branch"
    assert _lines(main["stages"]) == ['make --silent stages >> "$GITHUB_OUTPUT"']
    assert main["checks"]["needs"] == "stages"
    assert main["first"]["needs"] == ["stages", "checks"]
    assert main["later"]["needs"] == ["stages", "first"]
    assert main["first"]["strategy"]["matrix"] == {"stage": f"${{{{ fromJSON({order}.first) }}}}"}
    assert main["later"]["strategy"] == {
        "max-parallel": "1",
        "matrix": {"stage": f"${{{{ fromJSON({order}.later) }}}}"},
    }
    for name in ("first", "later"):
        assert main[name]["with"] == {"stage": "${{ matrix.stage }}", "apply": "true"}


def test_what_follows_a_stage_runs_where_nothing_was_applied_and_not_where_something_failed() -> (
    None
):
    """Without a condition of its own a job is skipped behind a skipped one.

    An apply without changes is skipped.
    """
    main, applied = jobs("main.yml"), "!cancelled() && needs.first.result == 'success'"

    assert main["push"]["if"] == f"${{{{ {applied} }}}}"
    assert main["later"]["if"] == f"${{{{ {applied} && needs.stages.outputs.later != '[]' }}}}"


def test_a_commit_is_pushed_to_the_first_stage_right_after_its_apply_and_waits_for_no_other() -> (
    None
):
    push = jobs("main.yml")["push"]

    assert push["needs"] == ["stages", "first"]
    assert push["strategy"]["matrix"] == jobs("main.yml")["first"]["strategy"]["matrix"]
    assert push["concurrency"] == {
        "group": "push-${{ matrix.stage }}",
        "cancel-in-progress": "false",
    }
    assert push["permissions"] == {"contents": "read", "id-token": "write"}
    assert not [name for name, job in jobs("main.yml").items() if "push" in job.get("needs", [])]


def test_a_push_reads_the_whole_history_and_acts_as_the_deployer_of_the_first_stage() -> None:
    push = jobs("main.yml")["push"]
    [checkout] = [step for step in push["steps"] if "actions/checkout" in step.get("uses", "")]

    assert checkout["with"] == {"fetch-depth": "0", "persist-credentials": "false"}
    assert push["environment"] == "${{ matrix.stage }}"
    assert push["env"] == {"STAGE": "${{ matrix.stage }}"}
    assert ENVIRONMENTS["dev"].names.github_environment("deployer") == "dev"
    assert (
        _lines(push)[0] == 'make --silent identity env="$STAGE" role=deployer >> "$GITHUB_OUTPUT"'
    )


def test_what_the_login_writes_into_the_checkout_is_no_change_of_it() -> None:
    """`push` refuses a checkout with files outside of every commit."""
    assert (
        subprocess.run(
            ["git", "check-ignore", "--quiet", "--no-index", "gha-creds-0123456789abcdef.json"],
            cwd=REPOSITORY,
        ).returncode
        == 0
    )


def test_what_pushes_is_the_command_line_s_own_verb() -> None:
    line = _lines(jobs("main.yml")["push"])[-1]
    filled = line.replace("$GITHUB_SHA", "c" * 40).replace("$STAGE", "lab")
    options = parser().parse_args(shlex.split(filled)[3:])

    assert line.startswith("python3 -m pipeline push ")
    assert options.env == "lab"
    assert options.head == "c" * 40
    assert options.again is False
    assert options.retrain is False


def test_one_run_at_a_time_has_an_environment_and_none_is_cancelled() -> None:
    groups = [job["concurrency"] for job in jobs("main.yml").values() if "with" in job]

    alone = {"group": "deploy-${{ matrix.stage }}", "cancel-in-progress": "false"}
    assert groups == [alone, alone]
    assert "concurrency" not in WORKFLOWS["main.yml"]


COUNT = (
    'python3 -c "import json, sys; '
    """print(f'changes={len(json.load(open(sys.argv[1])))}')" """
    '"plans/$STAGE.actions.json" >> "$GITHUB_OUTPUT"'
)


def test_a_plan_without_changes_asks_no_one(tmp_path) -> None:
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans/dev.actions.json").write_text("{}")

    subprocess.run(
        ["bash", "-ec", COUNT],
        cwd=tmp_path,
        env={**os.environ, "STAGE": "dev", "GITHUB_OUTPUT": "out"},
        check=True,
    )

    assert (tmp_path / "out").read_text() == "changes=0\n"
    assert jobs("stage.yml")["plan"]["outputs"] == {
        "changes": "${{ steps.counted.outputs.changes }}"
    }


def test_a_newer_push_cancels_no_checks_of_main() -> None:
    assert (
        WORKFLOWS["checks.yml"]["concurrency"]["cancel-in-progress"]
        == "${{ github.event_name == 'pull_request' }}"
    )


def test_the_plan_has_no_right_to_change_and_the_apply_waits_for_the_environments_reviewers() -> (
    None
):
    plan, apply = jobs("stage.yml")["plan"], jobs("stage.yml")["apply"]

    assert plan["environment"] == "${{ inputs.stage }}-plan"
    assert apply["environment"] == "${{ inputs.stage }}"
    assert apply["needs"] == "plan"
    assert apply["if"] == "inputs.apply && needs.plan.outputs.changes != '0'"
    lines = _lines(plan)
    assert lines.pop(3) == COUNT
    assert lines == [
        "make policy",
        'make --silent identity env="$STAGE" role=planner >> "$GITHUB_OUTPUT"',
        'make plan env="$STAGE" lock=false out=plans',
        "mkdir -p plans && python3 -m infra.review.plan plans",
    ]
    assert _lines(apply) == [
        'make --silent identity env="$STAGE" role=deployer >> "$GITHUB_OUTPUT"',
        'make deploy env="$STAGE" expect="plans/$STAGE.actions.json"',
    ]


def test_plans_are_uploaded_only_once_state_and_secrets_are_taken_out() -> None:
    [upload] = [
        step
        for step in jobs("stage.yml")["plan"]["steps"]
        if "upload-artifact" in step.get("uses", "")
    ]

    assert "steps.stripped.outcome == 'success'" in upload["if"]


def _lines(job: dict[str, Any]) -> list[str]:
    return [step["run"] for step in job["steps"] if "run" in step]
