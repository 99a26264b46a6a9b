"""Refuse synthesized stacks for breaking the rules.

    python -m infra.policy.judgement CDKTF_OUT [--json FILE]

Our rules hold without exception, checkov's unless waived. Exit 0 when nothing is refused, 1 when
somebody else is at work in the folder, 2 when the question is wrong, 3 when the answer is no.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from infra import cdktf_out
from infra.policy import waivers
from infra.policy.checkov_scan import Scan, scan
from infra.policy.failure import Failure
from infra.policy.refusals import refusals

WAIVERS = Path(__file__).with_name("waivers.toml")
# The stacks of one stage pass 208 to 229 checks. A much lower count means that checkov skipped
# files, which it does silently. The margin allows for a few resources more or less.
MINIMUM_PASSED = 150


@dataclass(frozen=True)
class Verdict:
    passed: int
    failures: list[Failure]


def judge(folder: Path, waived: Sequence[waivers.Waiver], today: date) -> Verdict:
    """Return the verdict of policy on `cdktf.out`.

    Raises ValueError where there is nothing to judge.
    """
    paths = sorted((folder / "stacks").glob("*/cdk.tf.json"))
    if not paths:
        raise ValueError(f"{folder} holds no stacks, run `make synth`")
    texts = {path.parent.name: path.read_text(encoding="utf-8", errors="replace") for path in paths}
    stacks, failures = _parsed(texts)
    for stack, document in stacks.items():
        failures += refusals(stack, document)
    objects = {stack: document for stack, document in stacks.items() if isinstance(document, dict)}
    scan_result = scan(folder, objects)
    failures += [_unreadable(stack, "checkov") for stack in scan_result.unreadable]
    failures += _too_few(texts, scan_result)
    failures += waivers.apply(waived, scan_result.failures, today)
    passed = scan_result.passed.total()
    return Verdict(passed, failures)


def _parsed(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[Failure]]:
    stacks, failures = {}, []
    for stack, text in texts.items():
        try:
            stacks[stack] = json.loads(text)
        except ValueError as error:
            failures.append(_unreadable(stack, f"a JSON parser ({error})"))
    return stacks, failures


def _too_few(stacks: Mapping[str, Any], scan_result: Scan) -> Iterator[Failure]:
    passed_by_stage = Counter({_stage(stack): 0 for stack in stacks})
    for stack, count in scan_result.passed.items():
        passed_by_stage[_stage(stack)] += count
    for stage, passed in sorted(passed_by_stage.items()):
        if passed < MINIMUM_PASSED:
            sentence = (
                f"{passed} checks passed, at least {MINIMUM_PASSED} must: "
                "checkov may have skipped files"
            )
            remedy = "find out why, or change MINIMUM_PASSED in infra/policy/judgement.py"
            yield Failure(f"*-{stage}", "cdk.tf.json", "too few", sentence, remedy)


def _stage(stack: str) -> str:
    _, _, stage = stack.rpartition("-")
    return stage


def _unreadable(stack: str, reader: str) -> Failure:
    sentence = f"{reader} cannot read it"
    return Failure(stack, "cdk.tf.json", "unreadable", sentence, "run `make synth`")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="policy", description="Judge the synthesized stacks.")
    parser.add_argument("folder", type=Path, metavar="CDKTF_OUT")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict there, too")
    parser.add_argument("--waivers", type=Path, default=WAIVERS, metavar="FILE")
    options = parser.parse_args(arguments)
    today = datetime.now(UTC).date()
    try:
        waived = waivers.load(options.waivers)
        with cdktf_out.locked("policy", options.folder):
            verdict = judge(options.folder, waived, today)
    except cdktf_out.LockedError as error:
        print(f"policy: {error}", file=sys.stderr)
        return 1
    except ValueError as error:
        print(f"policy: {error}", file=sys.stderr)
        return 2
    if options.json:
        document = json.dumps(asdict(verdict), indent=1)
        options.json.write_text(f"{document}\n", encoding="utf-8")
    for failure in verdict.failures:
        print(failure)
    count = len(verdict.failures)
    print(f"policy: {verdict.passed} checks passed, {count} refused", file=sys.stderr)
    return 3 if verdict.failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
