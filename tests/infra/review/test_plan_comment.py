"""The comment on recorded plans.

foundation-dev has every kind of change, monitoring-dev none, serving-dev failed. They were recorded
with terraform 1.11.4 and the real google provider 6.50.0; state and the values not yet known are
left out.
"""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from environments import ENVIRONMENTS
from infra.review.plan import Change, Plan, main, read, read_all
from infra.review.plan_comment import MARKER, comment
from infra.review.plan_comment import main as print_comment

PLANS = Path(__file__).parent / "plans"
GITHUB_LIMIT = 65_536
WHERE = "the run's artifacts"


def composed(
    plans: list[Plan], policy: dict | None = None, models: tuple[str, ...] = ("ferry", "cab")
) -> str:
    return comment(plans, policy, ENVIRONMENTS.values(), models, WHERE)


def synthesized(folder: Path, *stacks: str, paths: dict[str, str] | None = None) -> Path:
    for stack in stacks:
        (folder / stack).mkdir(parents=True)
        buckets = {
            name: {"//": {"metadata": {"path": path}}} for name, path in (paths or {}).items()
        }
        (folder / stack / "cdk.tf.json").write_text(
            json.dumps({"resource": {"google_service_account": buckets}})
        )
    return folder


@pytest.fixture
def plans() -> list[Plan]:
    return read_all(PLANS)


@pytest.fixture
def foundation() -> Plan:
    return read(PLANS, "foundation-dev", {})


def test_begins_with_the_marker_and_the_sum_of_all_plans(plans: list[Plan]) -> None:
    marker, headline = composed(plans).splitlines()[:2]

    assert marker == MARKER
    assert headline == (
        "**1 stage, 3 stacks: 2 to add, 2 to change, 2 to replace, 1 to destroy; 1 plan failed.**"
    )


def test_names_what_is_destroyed_before_what_is_replaced_and_both_before_the_table(
    plans: list[Plan],
) -> None:
    text = composed(plans)

    destroyed = text.index(
        "- **destroy** `foundation-dev/Scratch` (`google_storage_bucket.Scratch_11AA22BB`)\n"
    )
    replaced = text.index(
        "- **replace** `foundation-dev/Pipeline` (`google_service_account.Pipeline_0F0F0F0F`), "
        "forced by `account_id`\n"
    )
    assert destroyed < replaced < text.index("| `foundation-dev` | 2 | 2 | 2 | 1 |")


def test_the_stack_that_destroys_most_comes_first(foundation: Plan) -> None:
    two = tuple(Change("destroy", f"a.B{number}", f"a/B{number}") for number in range(2))
    plans = [foundation, replace(foundation, stack="serving-dev", changes=two)]

    text = composed(plans)

    assert text.index("| `serving-dev`") < text.index("| `foundation-dev`")
    assert text.index("<code>serving-dev") < text.index("<code>foundation-dev")


def test_takes_the_construct_path_from_the_synthesized_stack(tmp_path: Path) -> None:
    stacks = synthesized(
        tmp_path,
        "foundation-dev",
        paths={"Pipeline_0F0F0F0F": "foundation-dev/Accounts/pipeline-sa/Resource"},
    )

    assert "**replace** `foundation-dev/Accounts/pipeline-sa/Resource`" in composed(
        read_all(PLANS, stacks)
    )


def test_an_empty_plan_is_one_short_sentence() -> None:
    assert (
        composed([read(PLANS, "monitoring-dev", {})])
        == f"{MARKER}\n**1 stage, 1 stack: nothing to do.**\n"
    )


def test_an_empty_plan_among_others_is_named_and_not_folded(plans: list[Plan]) -> None:
    text = composed(plans)

    assert "Nothing to do in `monitoring-dev`." in text
    assert "<code>monitoring-dev</code>" not in text


def test_a_failed_plan_is_told_with_terraforms_first_error_and_folded_whole(
    plans: list[Plan],
) -> None:
    text = composed(plans)

    assert (
        '- `serving-dev`: `Error: "account_id" ("D") must be between 6 and 30 characters long`'
        in text
    )
    assert "| `serving-dev` | failed |" in text
    assert (
        'Error: "dataset_id" must contain only letters'
        in text[text.index("<code>serving-dev</code>") :]
    )


def test_a_stack_without_a_plan_is_a_failure_but_bootstrap_is_never_planned(tmp_path: Path) -> None:
    stacks = synthesized(tmp_path, "foundation-prod", "bootstrap-prod")

    text = composed(read_all(PLANS, stacks))

    assert "- `foundation-prod`: `no plan was made: see the log of its job`" in text
    assert "bootstrap" not in text


def test_a_file_that_is_no_plan_and_an_unknown_action_are_failures(tmp_path: Path) -> None:
    (tmp_path / "serving-dev.json").write_text("{")
    forgotten = {"address": "a.b", "type": "a", "name": "b", "change": {"actions": ["forget"]}}
    (tmp_path / "foundation-dev.json").write_text(json.dumps({"resource_changes": [forgotten]}))

    serving, foundation = read(tmp_path, "serving-dev", {}), read(tmp_path, "foundation-dev", {})

    assert serving.error.startswith("serving-dev.json is no plan of terraform's that can be read")
    assert "a.b has the actions ('forget',)" in foundation.error


def test_a_plan_that_terraform_calls_errored_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "serving-dev.json").write_text(
        json.dumps({"errored": True, "resource_changes": []})
    )

    assert read(tmp_path, "serving-dev", {}).error.startswith("the plan is incomplete")


def test_the_actions_of_a_stage_are_no_plan(tmp_path: Path) -> None:
    (tmp_path / "foundation-dev.actions.json").write_text("{}")

    assert read_all(tmp_path) == []


def test_outputs_alone_are_a_change(foundation: Plan) -> None:
    text = composed([replace(foundation, changes=())])

    assert "1 stack: outputs to change." in text
    assert "<code>foundation-dev</code>" in text


def test_a_long_plan_is_cut_to_fit_and_says_how_much_is_missing_and_where_it_is(
    foundation: Plan,
) -> None:
    lines = foundation.text.count("\n") + 1
    long = replace(foundation, text="\n".join([foundation.text] * 60))
    short = replace(foundation, stack="monitoring-dev", changes=(), text="short")

    text = composed([long, short])

    assert len(text) <= GITHUB_LIMIT
    assert "**destroy** `foundation-dev/Scratch`" in text
    [cut] = [line for line in text.splitlines() if line.endswith(f"the whole: {WHERE}")]
    begin = text.index("```text\n", text.index("<code>foundation-dev</code>"))
    visible = text[begin : text.index(cut)].count("\n") - 1
    assert cut.startswith(f"... {60 * lines - visible} more lines")
    assert "```text\nshort\n```" in text
    assert len(text) > 0.95 * GITHUB_LIMIT


def test_destroys_take_the_room_of_the_folded_plans(foundation: Plan) -> None:
    destroys = tuple(
        Change("destroy", f"google_storage_bucket.B{number:04}", f"foundation-dev/B{number:04}")
        for number in range(900)
    )
    plan = replace(foundation, changes=destroys, text=foundation.text * 60)

    text = composed([plan])

    assert len(text) <= GITHUB_LIMIT
    assert text.count("- **destroy**") == 900


def test_destroys_that_no_comment_could_hold_are_counted(foundation: Plan) -> None:
    destroys = tuple(
        Change("destroy", f"google_storage_bucket.B{number}", f"foundation-dev/B{number}")
        for number in range(5000)
    )

    text = composed([replace(foundation, changes=destroys)])

    assert len(text) <= GITHUB_LIMIT
    assert "5000 to destroy" in text
    assert f"... {5000 - text.count('- **destroy**')} more lines" in text


def test_hundreds_of_stacks_still_fit() -> None:
    plans = [
        Plan(f"stack{number}-dev", (Change("add", "a.b", "a/b"),), text="x" * 5000)
        for number in range(900)
    ]

    assert len(composed(plans)) <= GITHUB_LIMIT


def test_what_is_marked_sensitive_is_never_shown_even_where_another_value_repeats_it(
    tmp_path: Path,
) -> None:
    assert "hunter2" in (PLANS / "foundation-dev.json").read_text()
    shutil.copytree(PLANS, tmp_path, dirs_exist_ok=True)
    (tmp_path / "foundation-dev.txt").write_text(
        '+ url = "https://hooks.example/?token=hunter2-new-token&old=hunter2-old-token"'
    )

    text = composed(read_all(tmp_path))

    assert "hunter2" not in text
    assert "token=(sensitive value)&old=(sensitive value)" in text


def test_a_sensitive_value_of_several_lines_or_with_quotes_is_hidden_too(tmp_path: Path) -> None:
    secret = {
        "before": None,
        "after": {"key": ["first line\n  second line", 'say "hello"', "pass", "password"]},
        "after_sensitive": {"key": True},
    }
    change = {
        "address": "a.b",
        "type": "a",
        "name": "b",
        "change": {"actions": ["create"], **secret},
    }
    (tmp_path / "serving-dev.json").write_text(json.dumps({"resource_changes": [change]}))
    (tmp_path / "serving-dev.txt").write_text(
        '  first line\n      second line\n+ x = "say \\"hello\\""\n+ password\n+ stays'
    )

    text = read(tmp_path, "serving-dev", {}).text

    assert not any(word in text for word in ("first", "second", "hello", "word"))
    assert "stays" in text


def test_plans_can_be_kept_without_state_and_secrets_and_read_the_same(
    tmp_path: Path, plans: list[Plan]
) -> None:
    shutil.copytree(PLANS, tmp_path, dirs_exist_ok=True)

    assert main([str(tmp_path)]) == 0

    plan = json.loads((tmp_path / "foundation-dev.json").read_text())
    assert {key for change in plan["resource_changes"] for key in change["change"]} == {
        "actions",
        "replace_paths",
    }
    assert "hunter2" not in "".join(path.read_text() for path in tmp_path.iterdir())
    assert read_all(tmp_path) == plans


def test_nothing_in_a_plan_can_end_its_block_or_mention_anybody(foundation: Plan) -> None:
    hostile = "x`y | z\n\n</details>\n```\n@everyone <b>\x1b[31m\u202e"
    plan = Plan(hostile, (Change("destroy", hostile, hostile, (hostile,)),), text=hostile)
    failure = {"stack": hostile, "address": hostile, "check": hostile, "sentence": hostile}

    text = composed(
        [plan, replace(foundation, stack="serving-dev", error=hostile), Plan(hostile)],
        {"passed": 0, "failures": [failure]},
    )

    page = MarkdownIt("commonmark").enable("table").render(text)
    outside_of_code = re.sub(r"(?s)<code.*?</code>", "", page)
    assert not any(part in outside_of_code for part in ("@everyone", "<b>", "`"))
    assert outside_of_code.count("<details>") == outside_of_code.count("</details>") == 2
    assert {row.count("<td") for row in page.partition("</table>")[0].split("<tr>")[2:]} == {5}
    assert not any(letter in text for letter in "\x1b\u202e")


def test_tells_what_runs_all_the_time_for_the_planned_environments_only(foundation: Plan) -> None:
    text = composed([foundation, replace(foundation, stack="serving-prod")])

    assert "| prod | 4 × `n1-standard-4`: 2 replicas each of `ferry`, `cab` |" in text
    assert "| dev | nothing: models are undeployed after their smoke test |" in text
    assert "| staging |" not in text


def test_names_each_failure_of_policy_and_how_many_checks_passed_without_one(
    foundation: Plan,
) -> None:
    failure = {
        "stack": "foundation-dev",
        "address": "google_storage_bucket.B",
        "check": "CKV_GCP_29",
        "sentence": "Ensure uniform access",
    }

    refused = composed([foundation], {"passed": 9, "failures": [failure]})
    passed = composed([foundation], {"passed": 9, "failures": []})

    assert (
        "### Refused by policy\n- `foundation-dev` `google_storage_bucket.B` `CKV_GCP_29` "
        "`Ensure uniform access`\n"
    ) in refused
    assert "Policy: 9 checks passed." in passed


def test_the_program_prints_the_comment(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)

    assert (
        print_comment(
            [str(PLANS), "--stacks", str(tmp_path), "--policy", str(tmp_path / "policy.json")]
        )
        == 0
    )

    output = capsys.readouterr().out
    assert output.startswith(MARKER)
    assert "policy was not checked: policy.json is missing" in output


def test_a_refusal_before_any_plan_is_told_without_a_failure_for_each_stack(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    failure = {
        "stack": "serving-dev",
        "address": "a.b",
        "check": "provisioner",
        "sentence": "a provisioner runs commands",
    }
    (tmp_path / "policy.json").write_text(json.dumps({"passed": 0, "failures": [failure]}))
    (tmp_path / "plans").mkdir()
    stacks = synthesized(tmp_path / "stacks", "serving-dev")

    print_comment(
        [
            str(tmp_path / "plans"),
            "--stacks",
            str(stacks),
            "--policy",
            str(tmp_path / "policy.json"),
        ]
    )

    output = capsys.readouterr().out
    assert "**Nothing was planned.**" in output
    assert "a provisioner runs commands" in output
    assert "no plan was made" not in output


def test_a_folder_or_a_record_that_is_none_is_a_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "policy.json").write_text("[]")

    assert print_comment([str(tmp_path / "nowhere")]) == 2
    assert print_comment([str(tmp_path), "--policy", str(tmp_path / "policy.json")]) == 2
    assert main([str(tmp_path / "nowhere")]) == 2

    assert len(capsys.readouterr().err.splitlines()) == 3
