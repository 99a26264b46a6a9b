"""Policy on small planted stacks: it refuses each fault alone, and no stack without one."""

import dataclasses
import json
import re
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from infra.policy import judgement, waivers
from infra.policy.failure import Failure
from infra.policy.waivers import Waiver
from settings import REPOSITORY

TODAY = date(2026, 11, 24)
SHIPPED_MINIMUM = judgement.MINIMUM_PASSED
Document = dict[str, Any]
BUCKET = {
    "name": "mill-artifacts",
    "location": "EU",
    "uniform_bucket_level_access": True,
    "public_access_prevention": "enforced",
    "versioning": {"enabled": True},
    "logging": {"log_bucket": "mill-logs"},
}
DATASET = {
    "dataset_id": "d",
    "location": "EU",
    "default_encryption_configuration": {"kms_key_name": "k"},
}
TOPIC = {"name": "t", "kms_key_name": "k"}


@pytest.fixture(autouse=True)
def few_checks_are_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judgement, "MINIMUM_PASSED", 1)


def stack(**resources: Document) -> Document:
    """A clean stack as CDKTF writes it, with more resources: `google_x={"Id": {...}}`."""
    return {
        "//": {"metadata": {"stackName": "foundation-dev"}},
        "terraform": {
            "backend": {"gcs": {"bucket": "b"}},
            "required_providers": {"google": {"source": "google", "version": "6.50.0"}},
        },
        "provider": {"google": [{"project": "mill-dev"}]},
        "resource": {"google_storage_bucket": {"Clean": BUCKET}, **resources},
        "output": {"bucket": {"value": "gs://mill-artifacts"}},
    }


def judged(folder: Path, document: Document | str, *waived: Waiver) -> list[Failure]:
    planted(folder, document)
    return judgement.judge(folder, waived, TODAY).failures


def planted(folder: Path, document: Document | str) -> Path:
    text = document
    if not isinstance(document, str):
        text = json.dumps(document, indent=1)
    place = folder / "stacks/foundation-dev"
    place.mkdir(parents=True)
    (place / "cdk.tf.json").write_text(text)
    return folder


def checks(failures: list[Failure]) -> set[str]:
    return {failure.check for failure in failures}


@pytest.fixture
def no_waivers(tmp_path: Path) -> Path:
    file = tmp_path / "waivers.toml"
    file.write_text("")
    return file


def test_a_clean_stack_is_not_refused(tmp_path: Path) -> None:
    document = stack(google_bigquery_dataset={"D": DATASET}, google_pubsub_topic={"T": TOPIC})

    failures = judged(tmp_path, document)

    assert failures == []


READER = {"role": "roles/storage.objectViewer", "member": "allUsers"}
OWNER = {"member": "serviceAccount:a@b.iam.gserviceaccount.com", "role": "roles/owner"}
PROVISIONED = {**BUCKET, "provisioner": [{"local-exec": {"command": "curl evil"}}]}
FAULTS = {
    "a bucket that may become public": (
        {"google_storage_bucket": {"B": {**BUCKET, "public_access_prevention": "inherited"}}},
        "CKV_GCP_114",
    ),
    "a bucket without uniform access": (
        {"google_storage_bucket": {"B": {**BUCKET, "uniform_bucket_level_access": False}}},
        "CKV_GCP_29",
    ),
    "a public member of a bucket": (
        {"google_storage_bucket_iam_member": {"B": {**READER, "bucket": "b"}}},
        "public",
    ),
    "a public member in a policy": (
        {"google_storage_bucket_iam_policy": {"B": {"policy_data": '{"members":["allUsers"]}'}}},
        "public",
    ),
    "a service account key": (
        {"google_service_account_key": {"B": {"service_account_id": "a"}}},
        "key",
    ),
    "an owner of the project": (
        {"google_project_iam_member": {"B": {**OWNER, "project": "p"}}},
        "basic role",
    ),
    "an owner of a bucket": (
        {"google_storage_bucket_iam_member": {"B": {**OWNER, "bucket": "b"}}},
        "basic role",
    ),
    "a dataset for every account": (
        {
            "google_bigquery_dataset": {
                "B": {
                    **DATASET,
                    "access": [{"role": "READER", "special_group": "allAuthenticatedUsers"}],
                }
            }
        },
        "CKV_GCP_15",
    ),
    "a dataset's public member": (
        {
            "google_bigquery_dataset_iam_member": {
                "B": {"dataset_id": "d", "member": "allAuthenticatedUsers"}
            }
        },
        "public",
    ),
    "a provisioner": ({"google_storage_bucket": {"B": PROVISIONED}}, "provisioner"),
    "a resource that is only there to run something": (
        {"terraform_data": {"B": {"input": "x"}}},
        "provider",
    ),
    "a resource of another provider": (
        {"google_storage_bucket": {"B": {**BUCKET, "provider": "aws.eu"}}},
        "provider",
    ),
    "a resource in a list, where nobody would look": (
        {"google_storage_bucket": {"B": [PROVISIONED]}},
        "shape",
    ),
}


@pytest.mark.parametrize(("resources", "check"), FAULTS.values(), ids=FAULTS)
def test_refuses(tmp_path: Path, resources: Document, check: str) -> None:
    [kind] = resources
    document = stack(**resources)

    failures = judged(tmp_path, document)

    refusals = {(failure.address, failure.check) for failure in failures}
    assert (f"{kind}.B", check) in refusals


BLOCKS = {
    "external data": ({"data": {"external": {"x": {"program": ["sh"]}}}}, "data"),
    "remote state": ({"data": {"terraform_remote_state": {"x": {"backend": "gcs"}}}}, "data"),
    "a module": ({"module": {"x": {"source": "git::https://example.com/x"}}}, "module"),
    "moved, for which checkov skips the file": ({"moved": [{"from": "a.b", "to": "a.c"}]}, "moved"),
    "required_version, likewise": (
        {"terraform": {"required_version": ">= 1.8"}},
        "terraform.required_version",
    ),
    "state elsewhere": (
        {"terraform": {"backend": {"http": {"address": "https://example.com"}}}},
        "terraform.backend.http",
    ),
    "another provider": ({"provider": {"google": [{}], "null": [{}]}}, "provider.null"),
    "another source": (
        {
            "terraform": {
                "required_providers": {"google": {"source": "evil/google", "version": "6.50.0"}}
            }
        },
        "terraform.required_providers.google",
    ),
    "another version": (
        {"terraform": {"required_providers": {"google": {"source": "google", "version": ">= 6"}}}},
        "terraform.required_providers.google",
    ),
    "resources in a list": ({"resource": [{"null_resource": {}}]}, "resource"),
}


@pytest.mark.parametrize(("block", "address"), BLOCKS.values(), ids=BLOCKS)
def test_refuses_the_block(tmp_path: Path, block: Document, address: str) -> None:
    document = {**stack(), **block}

    failures = judged(tmp_path, document)

    assert address in {failure.address for failure in failures}


def test_broken_json_is_refused_and_said_once(tmp_path: Path) -> None:
    [failure, too_few] = judged(tmp_path, '{"resource": {"google_stor')

    assert failure.stack == "foundation-dev"
    assert failure.check == "unreadable"
    assert too_few.check == "too few"


def test_a_file_that_checkov_alone_cannot_parse_is_refused(tmp_path: Path) -> None:
    text = json.dumps(stack())
    delete_character = "\x7f"  # JSON may hold it, YAML may not

    failures = judged(tmp_path, text.replace("mill-artifacts", f"mill{delete_character}artifacts"))

    assert "unreadable" in checks(failures)


def test_too_few_passed_checks_are_refused_in_each_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "MINIMUM_PASSED", 50)

    [failure] = judged(tmp_path, stack())

    message = str(failure)
    assert re.match(r"\*-dev cdk.tf.json: too few: \d checks passed, at least 50 must", message)


def test_a_failure_is_told_with_stack_address_check_sentence_and_remedy(tmp_path: Path) -> None:
    open_bucket = dict(BUCKET)
    del open_bucket["versioning"]
    document = stack(google_storage_bucket={"Open_12AB34CD": open_bucket})

    [failure] = judged(tmp_path, document)

    message = str(failure)
    assert message == (
        "foundation-dev google_storage_bucket.Open_12AB34CD: CKV_GCP_78: Ensure Cloud storage "
        "has versioning enabled; "
        "fix it, or waive it with a reason and an end date in infra/policy/waivers.toml"
    )


UNVERSIONED = stack(google_storage_bucket={"B": {**BUCKET, "versioning": {"enabled": False}}})


@pytest.mark.parametrize(
    "resource",
    [
        "google_storage_bucket.B",
        "foundation-*:google_storage_bucket.?",
        "*-dev:google_storage_bucket.B",
    ],
)
def test_a_waiver_covers_an_address_or_a_pattern_and_holds_on_its_last_day(
    tmp_path: Path, resource: str
) -> None:
    waiver = Waiver("CKV_GCP_78", resource, "because", TODAY)

    failures = judged(tmp_path, UNVERSIONED, waiver)

    assert failures == []


def test_a_waiver_covers_no_other_resource_and_no_other_check(tmp_path: Path) -> None:
    of_another_stack = Waiver("CKV_GCP_78", "serving-dev:*", "because", TODAY)
    of_another_check = Waiver("CKV_GCP_62", "*", "because", TODAY)

    [failure, *useless] = judged(tmp_path, UNVERSIONED, of_another_stack, of_another_check)

    assert failure.check == "CKV_GCP_78"
    sentences = [waiver.sentence for waiver in useless]
    assert sentences == ["the waiver is of no use: it covers no failure"] * 2


def test_a_waiver_that_depends_on_the_teams_values_may_cover_nothing(tmp_path: Path) -> None:
    useless = Waiver("CKV_GCP_78", "monitoring-dev:*", "because", TODAY)
    depending = dataclasses.replace(useless, where="a stage is deletable")

    failures_of_useless = waivers.apply([useless], [], TODAY)
    failures_of_depending = waivers.apply([depending], [], TODAY)

    assert len(failures_of_useless) == 1
    assert failures_of_depending == []


def test_a_waiver_that_has_ended_fails_with_what_it_covered(tmp_path: Path) -> None:
    yesterday = date(2026, 11, 23)
    waiver = Waiver("CKV_GCP_78", "*", "because", yesterday)

    covered, ended = judged(tmp_path, UNVERSIONED, waiver)

    assert covered.address == "google_storage_bucket.B"
    assert "it ended on 2026-11-23" in ended.sentence


def test_refusals_of_ours_cannot_be_waived(tmp_path: Path) -> None:
    document = stack(google_service_account_key={"B": {}})
    waiver = Waiver("key", "*", "because", TODAY)

    failures = judged(tmp_path, document, waiver)

    foundation_failures = [failure for failure in failures if failure.stack == "foundation-dev"]
    assert "key" in checks(foundation_failures)


MALFORMED = {
    "no TOML": "[[waiver",
    "another table": '[waivers]\ncheck = "a"',
    "a key is missing": '[[waiver]]\ncheck = "a"\nresource = "b"\nreason = "c"',
    "a key too many": (
        '[[waiver]]\ncheck = "a"\nresource = "b"\nreason = "c"\nuntil = 2027-01-01\nticket = 1'
    ),
    "no reason": '[[waiver]]\ncheck = "a"\nresource = "b"\nreason = ""\nuntil = 2027-01-01',
    "an end that is no date": (
        '[[waiver]]\ncheck = "a"\nresource = "b"\nreason = "c"\nuntil = "2027-01-01"'
    ),
}


@pytest.mark.parametrize("text", MALFORMED.values(), ids=MALFORMED)
def test_malformed_waivers_are_a_configuration_error(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(tmp_path, stack())
    file = tmp_path / "waivers.toml"
    file.write_text(text)

    code = judgement.main([str(tmp_path), "--waivers", str(file)])

    assert code == 2
    assert "waivers.toml" in capsys.readouterr().err


@pytest.mark.usefixtures("synthesized")
def test_the_stacks_of_every_stage_are_refused_nothing_but_what_is_waived(
    synthesized_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judgement, "MINIMUM_PASSED", SHIPPED_MINIMUM)
    waived = waivers.load(judgement.WAIVERS)
    last_day = min(waiver.until for waiver in waived)

    verdict = judgement.judge(synthesized_folder, waived, last_day)

    failures = [str(failure) for failure in verdict.failures]
    assert failures == []


def test_the_program_exits_with_3_and_writes_what_it_says(
    tmp_path: Path, no_waivers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(tmp_path, UNVERSIONED)
    report = tmp_path / "policy.json"

    code = judgement.main(
        [str(tmp_path), "--waivers", str(no_waivers), "--json", str(report)],
    )

    assert code == 3
    output = capsys.readouterr()
    verdict = json.loads(report.read_text())
    passed, [failure] = verdict["passed"], verdict["failures"]
    assert "CKV_GCP_78" in output.out
    assert output.err == f"policy: {passed} checks passed, 1 refused\n"
    assert failure["address"] == "google_storage_bucket.B"


def test_the_program_exits_with_0_on_a_clean_stack_and_with_2_without_any(
    tmp_path: Path, no_waivers: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planted(tmp_path, stack())
    nowhere = tmp_path / "nowhere"

    code = judgement.main([str(tmp_path), "--waivers", str(no_waivers)])
    code_of_nowhere = judgement.main([str(nowhere)])

    assert code == 0
    assert code_of_nowhere == 2
    assert "run `make synth`" in capsys.readouterr().err


def test_checkov_is_not_imported_before_it_is_asked() -> None:
    program = (
        "import sys, infra.policy.judgement; sys.exit(any(name.startswith('checkov') for name "
        "in sys.modules))"
    )

    process = run(program)

    assert process.returncode == 0


def test_checkov_asks_no_network(tmp_path: Path) -> None:
    planted(tmp_path, UNVERSIONED)
    program = (
        "import socket, sys\n"
        "def refuse(*_, **__): sys.exit('the network was asked')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path; from datetime import date; from infra.policy import judgement\n"
        f"print(len(judgement.judge(Path({str(tmp_path)!r}), [], date.today()).failures))\n"
    )

    process = run(program)

    assert process.returncode == 0
    assert process.stdout == "2\n"  # the bucket's, and too few
    assert process.stderr == ""


def run(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    return subprocess.run(command, cwd=REPOSITORY, timeout=60, capture_output=True, text=True)
