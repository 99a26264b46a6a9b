"""The comment on recorded plans.

foundation-dev has every kind of change, monitoring-dev none, serving-dev failed. They were recorded
with terraform 1.11.4 and the real google provider 6.50.0; state and the values not yet known are
left out.
"""

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from environments import ENVIRONMENTS
from infra.review import prices
from infra.review.plan import Change, Plan, main, read, read_all
from infra.review.plan_comment import MARKER, Standing, comment
from infra.review.plan_comment import main as print_comment

PLANS = Path(__file__).parent / "plans"
GITHUB_LIMIT = 65_536
WHERE = "the run's artifacts"


def composed(
    plans: list[Plan], policy: dict | None = None, standing: Standing | None = None
) -> str:
    return comment(plans, policy, ENVIRONMENTS.values(), standing or {}, WHERE)


def synthesized(folder: Path, *stacks: str, accounts: dict[str, dict] | None = None) -> Path:
    """A folder of stacks, each with these service accounts."""
    for stack in stacks:
        place = folder / stack
        document = {"resource": {"google_service_account": accounts or {}}}
        place.mkdir(parents=True)
        write_json(place / "cdk.tf.json", document)
    return folder


def write_json(file: Path, content: Any) -> None:
    text = json.dumps(content)
    file.write_text(text, encoding="utf-8")


def run(program: Callable[[list[str]], int], *arguments: object) -> int:
    """The exit code of a program with these arguments."""
    words = [str(argument) for argument in arguments]
    return program(words)


def buckets_to_destroy(count: int) -> tuple[Change, ...]:
    changes = []
    for number in range(count):
        name = f"B{number:04}"
        change = Change("destroy", f"google_storage_bucket.{name}", f"foundation-dev/{name}")
        changes.append(change)
    return tuple(changes)


@pytest.fixture
def plans() -> list[Plan]:
    return read_all(PLANS)


@pytest.fixture
def foundation() -> Plan:
    return read(PLANS, "foundation-dev", {})


def test_begins_with_the_marker_and_the_sum_of_all_plans(plans: list[Plan]) -> None:
    text = composed(plans)

    marker, headline, *_ = text.splitlines()
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
    row = text.index("| `foundation-dev` | 2 | 2 | 2 | 1 |")
    assert destroyed < replaced < row


def test_the_stack_that_destroys_most_comes_first(foundation: Plan) -> None:
    serving = replace(foundation, stack="serving-dev", changes=buckets_to_destroy(2))

    text = composed([foundation, serving])

    rows = re.findall(r"\| `(\w+)-dev`", text)
    details = re.findall(r"<code>(\w+)-dev", text)
    assert rows == ["serving", "foundation"]
    assert details == ["serving", "foundation"]


def test_takes_the_construct_path_from_the_synthesized_stack(tmp_path: Path) -> None:
    path = "foundation-dev/Accounts/pipeline-sa/Resource"
    accounts = {"Pipeline_0F0F0F0F": {"//": {"metadata": {"path": path}}}}
    stacks = synthesized(tmp_path, "foundation-dev", accounts=accounts)
    plans = read_all(PLANS, stacks)

    text = composed(plans)

    assert "**replace** `foundation-dev/Accounts/pipeline-sa/Resource`" in text


def test_an_empty_plan_is_one_short_sentence() -> None:
    plan = read(PLANS, "monitoring-dev", {})

    text = composed([plan])

    assert text == f"{MARKER}\n**1 stage, 1 stack: nothing to do.**\n"


def test_an_empty_plan_among_others_is_named_and_not_folded(plans: list[Plan]) -> None:
    text = composed(plans)

    assert "Nothing to do in `monitoring-dev`." in text
    assert "<code>monitoring-dev</code>" not in text


def test_a_failed_plan_is_told_with_terraforms_first_error_and_folded_whole(
    plans: list[Plan],
) -> None:
    text = composed(plans)

    error = 'Error: "account_id" ("D") must be between 6 and 30 characters long'
    assert f"- `serving-dev`: `{error}`" in text
    assert "| `serving-dev` | failed |" in text
    _, folded = text.split("<code>serving-dev</code>", maxsplit=1)
    assert 'Error: "dataset_id" must contain only letters' in folded


def test_a_stack_without_a_plan_is_a_failure_but_bootstrap_is_never_planned(tmp_path: Path) -> None:
    stacks = synthesized(tmp_path, "foundation-prod", "bootstrap-prod")
    plans = read_all(PLANS, stacks)

    text = composed(plans)

    assert "- `foundation-prod`: `no plan was made: see the log of its job`" in text
    assert "bootstrap" not in text


def test_a_file_that_is_no_plan_and_an_unknown_action_are_failures(tmp_path: Path) -> None:
    broken_file = tmp_path / "serving-dev.json"
    broken_file.write_text("{")
    forgotten = {"address": "a.b", "type": "a", "name": "b", "change": {"actions": ["forget"]}}
    write_json(tmp_path / "foundation-dev.json", {"resource_changes": [forgotten]})

    serving = read(tmp_path, "serving-dev", {})
    foundation = read(tmp_path, "foundation-dev", {})

    assert serving.error.startswith("serving-dev.json is no plan of terraform's that can be read")
    assert "a.b has the actions ('forget',)" in foundation.error


def test_a_plan_that_terraform_calls_errored_is_a_failure(tmp_path: Path) -> None:
    write_json(tmp_path / "serving-dev.json", {"errored": True, "resource_changes": []})

    plan = read(tmp_path, "serving-dev", {})

    assert plan.error.startswith("the plan is incomplete")


def test_the_actions_of_a_stage_are_no_plan(tmp_path: Path) -> None:
    write_json(tmp_path / "foundation-dev.actions.json", {})

    plans = read_all(tmp_path)

    assert plans == []


def test_outputs_alone_are_a_change(foundation: Plan) -> None:
    plan = replace(foundation, changes=())

    text = composed([plan])

    assert "1 stack: outputs to change." in text
    assert "<code>foundation-dev</code>" in text


def test_a_long_plan_is_cut_to_fit_and_says_how_much_is_missing_and_where_it_is(
    foundation: Plan,
) -> None:
    text_60_times = "\n".join([foundation.text] * 60)
    line_count = len(text_60_times.split("\n"))
    long = replace(foundation, text=text_60_times)
    short = replace(foundation, stack="monitoring-dev", changes=(), text="short")

    text = composed([long, short])

    assert len(text) <= GITHUB_LIMIT
    assert "**destroy** `foundation-dev/Scratch`" in text
    [cut] = [line for line in text.splitlines() if line.endswith(f"the whole: {WHERE}")]
    _, folded = text.split("<code>foundation-dev</code>", maxsplit=1)
    _, block = folded.split("```text\n", maxsplit=1)
    visible, _ = block.split(cut, maxsplit=1)
    missing_count = line_count - visible.count("\n")
    assert cut.startswith(f"... {missing_count} more lines")
    assert "```text\nshort\n```" in text
    assert len(text) > 0.95 * GITHUB_LIMIT


def test_destroys_take_the_room_of_the_folded_plans(foundation: Plan) -> None:
    long_text = foundation.text * 60
    plan = replace(foundation, changes=buckets_to_destroy(900), text=long_text)

    text = composed([plan])

    assert len(text) <= GITHUB_LIMIT
    assert text.count("- **destroy**") == 900


def test_destroys_that_no_comment_could_hold_are_counted(foundation: Plan) -> None:
    plan = replace(foundation, changes=buckets_to_destroy(5000))

    text = composed([plan])

    assert len(text) <= GITHUB_LIMIT
    assert "5000 to destroy" in text
    missing_count = 5000 - text.count("- **destroy**")
    assert f"... {missing_count} more lines" in text


def test_hundreds_of_stacks_still_fit() -> None:
    change, long_text = Change("add", "a.b", "a/b"), "x" * 5000
    plans = [Plan(f"stack{number}-dev", (change,), text=long_text) for number in range(900)]

    text = composed(plans)

    assert len(text) <= GITHUB_LIMIT


def test_what_is_marked_sensitive_is_never_shown_even_where_another_value_repeats_it(
    tmp_path: Path,
) -> None:
    shutil.copytree(PLANS, tmp_path, dirs_exist_ok=True)
    document, visible = tmp_path / "foundation-dev.json", tmp_path / "foundation-dev.txt"
    assert "hunter2" in document.read_text()
    visible.write_text(
        '+ url = "https://hooks.example/?token=hunter2-new-token&old=hunter2-old-token"'
    )
    plans = read_all(tmp_path)

    text = composed(plans)

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
    write_json(tmp_path / "serving-dev.json", {"resource_changes": [change]})
    visible = tmp_path / "serving-dev.txt"
    visible.write_text(
        '  first line\n      second line\n+ x = "say \\"hello\\""\n+ password\n+ stays'
    )

    plan = read(tmp_path, "serving-dev", {})

    for word in ("first", "second", "hello", "word"):
        assert word not in plan.text
    assert "stays" in plan.text


def test_plans_can_be_kept_without_state_and_secrets_and_read_the_same(
    tmp_path: Path, plans: list[Plan]
) -> None:
    shutil.copytree(PLANS, tmp_path, dirs_exist_ok=True)

    code = run(main, tmp_path)

    assert code == 0
    for file in tmp_path.iterdir():
        assert "hunter2" not in file.read_text()
    text = (tmp_path / "foundation-dev.json").read_text()
    plan = json.loads(text)
    keys = {key for change in plan["resource_changes"] for key in change["change"]}
    assert keys == {"actions", "replace_paths"}
    stripped_plans = read_all(tmp_path)
    assert stripped_plans == plans


def test_nothing_in_a_plan_can_end_its_block_or_mention_anybody(foundation: Plan) -> None:
    hostile = "x`y | z\n\n</details>\n```\n@everyone <b>\x1b[31m\u202e"
    change = Change("destroy", hostile, hostile, (hostile,))
    plans = [
        Plan(hostile, (change,), text=hostile),
        replace(foundation, stack="serving-dev", error=hostile),
        Plan(hostile),
    ]
    failure = {"stack": hostile, "address": hostile, "check": hostile, "sentence": hostile}

    text = composed(plans, {"passed": 0, "failures": [failure]})

    page = rendered(text)
    outside_of_code = re.sub(r"(?s)<code.*?</code>", "", page)
    for markup in ("@everyone", "<b>", "`"):
        assert markup not in outside_of_code
    assert outside_of_code.count("<details>") == 2
    assert outside_of_code.count("</details>") == 2
    assert "\x1b" not in text
    assert "\u202e" not in text
    table, _ = page.split("</table>", maxsplit=1)
    _, _, *rows = table.split("<tr>")  # before the table, and its head
    assert rows
    for row in rows:
        assert row.count("<td") == 5


def rendered(text: str) -> str:
    markdown = MarkdownIt("commonmark")
    markdown.enable("table")
    return markdown.render(text)


def test_tells_what_runs_all_the_time_in_the_planned_stages_only(foundation: Plan) -> None:
    serving = replace(foundation, stack="serving-prod")
    standing = {"dev": ["nothing"], "staging": ["nothing"], "prod": ["8 × n1", "`2` | a month"]}

    text = composed([foundation, serving], standing=standing)

    assert "| dev | `nothing` |\n| prod | `8 × n1` |\n| prod | `` `2` \\| a month `` |" in text
    assert "| staging |" not in text


def test_says_which_planned_stages_tell_nobody(foundation: Plan) -> None:
    serving = replace(foundation, stack="serving-prod")

    text = composed([foundation, serving])

    assert "- alert_emails of dev is empty: nobody hears of a failed run" in text
    assert "alert_emails of staging" not in text
    assert "alert_emails of prod" not in text


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

    entry = "`foundation-dev` `google_storage_bucket.B` `CKV_GCP_29` `Ensure uniform access`"
    assert f"### Refused by policy\n- {entry}\n" in refused
    assert "Policy: 9 checks passed." in passed


def test_the_program_prints_the_comment(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GITHUB_RUN_ID", raising=False)
    policy = tmp_path / "policy.json"

    code = run(print_comment, PLANS, "--stacks", tmp_path, "--policy", policy)

    assert code == 0
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
    policy, plans = tmp_path / "policy.json", tmp_path / "plans"
    write_json(policy, {"passed": 0, "failures": [failure]})
    plans.mkdir()
    stacks = synthesized(tmp_path / "stacks", "serving-dev")

    run(print_comment, plans, "--stacks", stacks, "--policy", policy)

    output = capsys.readouterr().out
    assert "**Nothing was planned.**" in output
    assert "a provisioner runs commands" in output
    assert "no plan was made" not in output


def test_the_program_says_what_runs_all_the_time_and_now_and_its_price(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = Path(shutil.copytree(PLANS, tmp_path / "plans"))
    write_json(plans / "dev.machines.json", {"e2-small": 1})
    instances = {"I": {"machine_type": "e2-medium"}}
    stacks = synthesized(tmp_path / "stacks", "foundation-dev")
    document = {"resource": {"google_compute_instance": instances}}
    write_json(stacks / "foundation-dev/cdk.tf.json", document)
    (tmp_path / "prices.toml").write_text("e2-medium = 0.1\ne2-small = 0.05\n")
    monkeypatch.setattr(prices, "team_folder", lambda: tmp_path)

    code = run(print_comment, plans, "--stacks", stacks)

    output = capsys.readouterr().out
    assert code == 0
    assert "| dev | `1 × e2-medium: google_compute_instance.I` |" in output
    assert "| dev | `73.00 a month by prices.toml` |" in output
    assert "| dev | `now: 1 × e2-small; 36.50 a month more` |" in output


def test_wrong_prices_are_one_sentence_and_a_wrong_configuration(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "prices.toml").write_text("e2-medium = -1\n")
    monkeypatch.setattr(prices, "team_folder", lambda: tmp_path)

    code = run(print_comment, PLANS, "--stacks", tmp_path)

    output = capsys.readouterr()
    assert code == 2
    assert output.err == (
        "prices.toml: e2-medium is -1, allowed is a price per hour from 0 to 1000000000\n"
    )


def test_a_folder_or_a_record_that_is_none_is_a_wrong_usage(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    policy, nowhere = tmp_path / "policy.json", tmp_path / "nowhere"
    write_json(policy, [])

    assert run(print_comment, nowhere) == 2
    assert run(print_comment, tmp_path, "--policy", policy) == 2
    assert run(main, nowhere) == 2

    errors = capsys.readouterr().err.splitlines()
    assert len(errors) == 3
