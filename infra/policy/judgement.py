"""Refuse synthesized stacks for breaking the rules.

    python -m infra.policy.judgement CDKTF_OUT [--json FILE]

Our rules hold without exception, checkov's unless waived. Exit 0 when nothing is refused, 2 when
the question is wrong, 3 when the answer is no.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

from infra.policy import waivers
from infra.policy.checkov_scan import Scan, scan
from infra.policy.failure import Failure
from infra.policy.refusals import refusals

WAIVERS = Path(__file__).with_name("waivers.toml")
# The stacks of one stage pass 197 to 209 checks. Far fewer would mean that checkov looked
# past files, as it does without a word when they are not to its taste; a few resources more or less
# should not matter.
MINIMUM_PASSED = 150


@dataclass(frozen=True)
class Verdict:
    passed: int
    failures: list[Failure]


def judge(folder: Path, waived: Sequence[waivers.Waiver], today: date) -> Verdict:
    """Return the verdict of policy on `cdktf.out`.

    Raises ValueError where there is nothing to judge.
    """
    texts = {
        path.parent.name: path.read_text(errors="replace")
        for path in sorted((folder / "stacks").glob("*/cdk.tf.json"))
    }
    if not texts:
        raise ValueError(f"{folder} holds no stacks, run `make synth`")
    stacks, failures = _parsed(texts)
    for stack, document in stacks.items():
        failures += refusals(stack, document)
    objects = {stack: document for stack, document in stacks.items() if isinstance(document, dict)}
    scan_result = scan(folder, objects)
    failures += [_unreadable(stack, "checkov") for stack in scan_result.unreadable]
    failures += _too_few(texts, scan_result)
    return Verdict(
        scan_result.passed.total(), failures + waivers.apply(waived, scan_result.failures, today)
    )


def _parsed(texts: Mapping[str, str]) -> tuple[dict[str, Any], list[Failure]]:
    stacks, failures = {}, []
    for stack, text in texts.items():
        try:
            stacks[stack] = json.loads(text)
        except ValueError as error:
            failures.append(_unreadable(stack, f"a JSON parser ({error})"))
    return stacks, failures


def _too_few(stacks: Mapping[str, Any], scan_result: Scan) -> Iterator[Failure]:
    for stage in sorted({stack.rpartition("-")[2] for stack in stacks}):
        passed = sum(
            count
            for stack, count in scan_result.passed.items()
            if stack.rpartition("-")[2] == stage
        )
        if passed < MINIMUM_PASSED:
            sentence = (
                f"{passed} checks passed, at least {MINIMUM_PASSED} must: "
                "checkov may have looked past files"
            )
            yield Failure(
                f"*-{stage}",
                "cdk.tf.json",
                "too few",
                sentence,
                "find out why, or change MINIMUM_PASSED in infra/policy/judgement.py",
            )


def _unreadable(stack: str, reader: str) -> Failure:
    return Failure(
        stack, "cdk.tf.json", "unreadable", f"{reader} cannot read it", "run `make synth`"
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="policy", description="Judge the synthesized stacks.")
    parser.add_argument("folder", type=Path, metavar="CDKTF_OUT")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the verdict there, too")
    parser.add_argument("--waivers", type=Path, default=WAIVERS, metavar="FILE")
    options = parser.parse_args(arguments)
    try:
        verdict = judge(options.folder, waivers.load(options.waivers), date.today())
    except ValueError as error:
        print(f"policy: {error}", file=sys.stderr)
        return 2
    if options.json:
        options.json.write_text(json.dumps(asdict(verdict), indent=1) + "\n")
    for failure in verdict.failures:
        print(failure)
    print(
        f"policy: {verdict.passed} checks passed, {len(verdict.failures)} refused", file=sys.stderr
    )
    return 3 if verdict.failures else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
