"""List what is missing before a stage's first deploy, with the command that fixes it.

    python -m infra.doctor.diagnosis --env ENV [--as ACCOUNT] [--json]

With --as it asks as one of the stage's accounts what this one lacks for its calls. Each gap comes
with the command that fixes it. Exit 0 when all is there, 1 when nothing is missing but not
everything could be asked, 2 when the question is wrong, 3 when something is missing.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table
from rich.text import Text

from infra.doctor import accounts, cloud, github, machine
from infra.doctor.finding import Check, Finding, State, findings
from infra.doctor.google import Google
from infra.doctor.placeholders import placeholders
from infra.doctor.rest import Rest
from settings import Settings
from settings.names import ROLES
from settings.stages import environments

STYLES: dict[State, str] = {
    "missing": "bold red",
    "not asked": "yellow",
    "ok": "green",
}  # in the order in which they are told
GAP = 2


def examine(settings: Settings, environments: Mapping[str, Settings]) -> list[Finding]:
    """Return the findings, the missing first.

    Within a state they have the order of the fixes.
    """
    client = Rest()
    google = Google(client)
    github_ = github.GitHub(client)
    checks = [
        *machine.checks(),
        Check.of("environments.py", placeholders, settings=settings),
        *cloud.checks(settings, environments, google),
        *github.checks(settings, google, github_),
    ]
    return _sorted_findings(checks)


def examine_account(
    settings: Settings, environments: Mapping[str, Settings], account: str
) -> list[Finding]:
    """Return the findings as one of the stage's accounts, likewise sorted."""
    email = settings.names.service_account_email(account)
    google = Google(Rest(), service_account=email)
    checks = accounts.checks(settings, environments, account, google)
    own_checks = [cloud.unless_shipped(check, settings, "project_id") for check in checks]
    return _sorted_findings(own_checks)


def _sorted_findings(checks: Sequence[Check]) -> list[Finding]:
    order = list(STYLES)
    diagnosis = findings(checks)
    return sorted(diagnosis, key=lambda finding: order.index(finding.state))


def verdict(found: Sequence[Finding]) -> int:
    states = {finding.state for finding in found}
    if "missing" in states:
        return 3
    if "not asked" in states:
        return 1
    return 0


def tell(found: Sequence[Finding], console: Console) -> None:
    """Print a table on a terminal, and a line for each finding elsewhere."""
    if not console.is_terminal:
        for finding in found:
            print(finding)
        return
    state_width = max(len(state) for state in STYLES)
    subject_width = max(len(finding.subject) for finding in found)
    widths = (state_width, subject_width)
    heads = (Text("state"), Text("of what"), Text("found, and the command that fixes it"))
    console.print(_row(widths, *heads), style="dim")
    neighbours = zip(found, [*found[1:], None], strict=True)
    for finding, following in neighbours:
        state = Text(finding.state, STYLES[finding.state])
        subject, detail = Text(finding.subject, "bold"), Text(finding.detail)
        console.print(_row(widths, state, subject, detail))
        # Rows with one command have it once, below.
        same_command_follows = following and following.mend == finding.mend
        if finding.mend and not same_command_follows:
            # Unbroken, however long: the terminal wraps it, and it is copied as one line.
            command = Text(" " * GAP + finding.mend, "cyan")
            console.print(command, soft_wrap=True)


def _row(widths: Sequence[int], *cells: Text) -> Table:
    row = Table.grid(padding=(0, GAP), pad_edge=False)
    for width in widths:
        row.add_column(width=width)
    row.add_column(overflow="fold")  # an address is not cut
    row.add_row(*cells)
    return row


def summary(stage: str, found: Sequence[Finding]) -> str:
    states = Counter(finding.state for finding in found)
    counts = [f"{states[state]} {state}" for state in STYLES if states[state]]
    total = ", ".join(counts)
    return f"{stage}: {total}"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        stages = environments()
    except ValueError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2
    if options.env not in stages:
        allowed = ", ".join(stages)
        print(f"env is {options.env!r}, allowed are {allowed}", file=sys.stderr)
        return 2
    if options.account:
        diagnosis = examine_account(stages[options.env], stages, options.account)
    else:
        diagnosis = examine(stages[options.env], stages)
    if options.json:
        rows = [asdict(finding) for finding in diagnosis]
        document = json.dumps({"env": options.env, "findings": rows}, indent=1)
        print(document)
    else:
        console = Console(highlight=False)
        tell(diagnosis, console)
        print(summary(options.env, diagnosis), file=sys.stderr)
    return verdict(diagnosis)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="doctor", description="Tell what is missing before the first deploy."
    )
    parser.add_argument("--env", required=True)
    parser.add_argument(
        "--as", dest="account", choices=ROLES, help="ask as one of the stage's accounts"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
