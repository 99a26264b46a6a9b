"""Tell what is missing before an environment can be deployed for the first time, and the command that mends it.

    python -m infra.doctor.diagnosis --env ENV [--json]

Exit 0 when all is there, 1 when nothing is missing but not everything could be asked, 2 when the question is wrong, 3 when something is missing.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.doctor import cloud, github, machine
from infra.doctor.finding import Check, Finding, State, findings
from infra.doctor.google import Google
from infra.doctor.placeholders import placeholders
from infra.doctor.rest import Rest
from settings import Settings

STYLES: dict[State, str] = {
    "missing": "bold red",
    "not asked": "yellow",
    "ok": "green",
}  # in the order in which they are told
GAP = 2


def examine(settings: Settings, environments: Mapping[str, Settings]) -> list[Finding]:
    """What is missing first; within a state in the order in which it is to be mended."""
    rest = Rest()
    google, github_ = Google(rest), github.GitHub(rest)
    checks = [
        *machine.checks(),
        Check.of("environments.py", placeholders, settings=settings),
        *cloud.checks(settings, environments, google),
        *github.checks(settings, google, github_),
    ]
    return sorted(findings(checks), key=lambda finding: list(STYLES).index(finding.state))


def verdict(found: Sequence[Finding]) -> int:
    states = {finding.state for finding in found}
    return 3 if "missing" in states else 1 if "not asked" in states else 0


def tell(found: Sequence[Finding], console: Console) -> None:
    """A table for people; a line each where it is not they who read."""
    if not console.is_terminal:
        for finding in found:
            print(finding)
        return
    widths = max(map(len, STYLES)), max(len(finding.subject) for finding in found)
    console.print(
        _row(widths, Text("state"), Text("of what"), Text("found, and the command that mends it")),
        style="dim",
    )
    for finding, following in zip(found, [*found[1:], None], strict=True):
        console.print(
            _row(
                widths,
                Text(finding.state, STYLES[finding.state]),
                Text(finding.subject, "bold"),
                Text(finding.detail),
            )
        )
        if finding.mend and not (
            following and following.mend == finding.mend
        ):  # rows with one command have it once, below
            # Unbroken, however long: the terminal wraps it, and it is copied as one line.
            console.print(Text(" " * GAP + finding.mend, "cyan"), soft_wrap=True)


def _row(widths: Sequence[int], *cells: Text) -> Table:
    row = Table.grid(padding=(0, GAP), pad_edge=False)
    for width in widths:
        row.add_column(width=width)
    row.add_column(overflow="fold")  # an address is not cut
    row.add_row(*cells)
    return row


def summary(stage: str, found: Sequence[Finding]) -> str:
    counts = [
        f"{count} {state}"
        for state in STYLES
        if (count := sum(finding.state == state for finding in found))
    ]
    return f"{stage}: {', '.join(counts)}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="doctor", description="Tell what is missing before the first deploy."
    )
    parser.add_argument("--env", required=True)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    given = parser.parse_args(arguments)
    try:
        from environments import ENVIRONMENTS
    except ValueError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2
    if given.env not in ENVIRONMENTS:
        print(f"env is {given.env!r}, allowed are {', '.join(ENVIRONMENTS)}", file=sys.stderr)
        return 2
    found = examine(ENVIRONMENTS[given.env], ENVIRONMENTS)
    if given.json:
        print(
            json.dumps(
                {"env": given.env, "findings": [asdict(finding) for finding in found]}, indent=1
            )
        )
    else:
        tell(found, Console(highlight=False))
        print(summary(given.env, found), file=sys.stderr)
    return verdict(found)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
