"""Ask checkov about the synthesized stacks, as a library.

Its command line exits with 0 when it looked at nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.policy.failure import Failure

REMEDY = "fix it, or waive it with a reason and an end date in infra/policy/waivers.toml"


@dataclass(frozen=True)
class Scan:
    """The number of passed checks by stack, the failures, and the stacks checkov could not read."""

    passed: Counter[str]
    failures: list[Failure]
    unreadable: list[str]


def scan(folder: Path, stacks: Mapping[str, Any]) -> Scan:
    """Run all of checkov's checks for Terraform's JSON, without the network."""
    from checkov.runner_filter import RunnerFilter
    from checkov.terraform_json.runner import TerraformJsonRunner

    files = [str(folder / "stacks" / stack / "cdk.tf.json") for stack in stacks]
    runner_filter = RunnerFilter(framework=["terraform_json"], show_progress_bar=False)
    report = TerraformJsonRunner().run(root_folder=None, files=files, runner_filter=runner_filter)
    passed = Counter(_stack(record) for record in report.passed_checks)
    failures = sorted(
        _failures(report.failed_checks, stacks),
        key=lambda failure: (failure.stack, failure.address, failure.check),
    )
    unreadable = sorted(_folder(path) for path in report.parsing_errors)
    return Scan(passed, failures, unreadable)


def _failures(records: list[Any], stacks: Mapping[str, Any]) -> Iterator[Failure]:
    for record in records:
        stack = _stack(record)
        address = _address(record.resource, stacks[stack])
        sentence = record.check_name.rstrip(".")
        yield Failure(stack, address, record.check_id, sentence, REMEDY)


def _stack(record: Any) -> str:
    return _folder(record.file_abs_path)


def _folder(path: str) -> str:
    return Path(path).parent.name


def _address(resource: str, document: dict[str, Any]) -> str:
    """The resource's address.

    Most checks say `resource.<id>`, without its type, and CDKTF's ids are of one type each.
    """
    kind, _, name = resource.partition(".")
    kinds = document.get("resource", {})
    if kind in kinds:
        return resource
    candidates = sorted(kind for kind, bodies in kinds.items() if name in bodies)
    choices = "|".join(candidates)
    return f"{choices}.{name}"
