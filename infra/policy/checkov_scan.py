"""Ask checkov about the synthesized stacks, as a library.

Its command line exits with 0 when it looked at nothing.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.policy.failure import Failure

REMEDY = "mend it, or waive it with a reason and an end in infra/policy/waivers.toml"


@dataclass
class Scan:
    """What checkov found.

    It holds how many checks passed in each stack, what failed, and the stacks that checkov could
    not read.
    """

    passed: Counter[str] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def scan(folder: Path, stacks: Mapping[str, Any]) -> Scan:
    """Run all of checkov's checks for Terraform's JSON, without the network."""
    from checkov.runner_filter import RunnerFilter
    from checkov.terraform_json.runner import TerraformJsonRunner

    files = [str(folder / "stacks" / stack / "cdk.tf.json") for stack in stacks]
    runner_filter = RunnerFilter(framework=["terraform_json"], show_progress_bar=False)
    report = TerraformJsonRunner().run(root_folder=None, files=files, runner_filter=runner_filter)
    result = Scan(unreadable=sorted(Path(path).parent.name for path in report.parsing_errors))
    result.passed.update(_stack(record) for record in report.passed_checks)
    result.failures = sorted(
        _failures(report.failed_checks, stacks),
        key=lambda failure: (failure.stack, failure.address, failure.check),
    )
    return result


def _failures(records: list[Any], stacks: Mapping[str, Any]) -> Iterator[Failure]:
    for record in records:
        stack = _stack(record)
        yield Failure(
            stack,
            _address(record.resource, stacks[stack]),
            record.check_id,
            record.check_name.rstrip("."),
            REMEDY,
        )


def _stack(record: Any) -> str:
    return Path(record.file_abs_path).parent.name


def _address(resource: str, document: dict[str, Any]) -> str:
    """The resource's address.

    Most checks say `resource.<id>`, without its type, and CDKTF's ids are of one type each.
    """
    kind, _, name = resource.partition(".")
    kinds = document.get("resource", {})
    if kind in kinds:
        return resource
    candidates = sorted(kind for kind, bodies in kinds.items() if name in bodies)
    return f"{'|'.join(candidates)}.{name}"
