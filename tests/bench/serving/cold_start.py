"""Seconds from a server's start to its first answer, phase by phase."""

import contextlib
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from settings import REPOSITORY
from tests.bench.serving import servers

PHASES = ("import", "load", "warm-up")


def report_cold_starts(model: Path, before: str | None, rounds: int) -> None:
    """Ours, and where a commit is given that one's in turn."""
    totals = []
    totals_before = []
    phases: dict[str, list[float]] = {name: [] for name in PHASES}
    with checkout(before) as earlier:
        for _ in range(rounds):
            total, durations = cold_start(model, REPOSITORY)
            totals.append(total)
            for name in PHASES:
                phases[name].append(durations[name])
            if earlier:
                total_before, _ = cold_start(model, earlier)
                totals_before.append(total_before)
    parts = [f"{name} {statistics.median(values):.2f} s" for name, values in phases.items()]
    total = statistics.median(totals)
    print(f"cold start {total:.2f} s to the first answer: {', '.join(parts)}")
    if before:
        total_before = statistics.median(totals_before)
        print(
            f"cold start of {before} {total_before:.2f} s, ours is {total / total_before:.2f} of it"
        )


def cold_start(model: Path, repository: Path) -> tuple[float, dict[str, float]]:
    """The whole of a start, and its phases as far as the server tells them."""
    body = (model / "assets.extra/sample.json").read_bytes()
    with servers.ours(model, repository) as server:
        server.wait()
        request = urllib.request.Request(
            f"{server.url}/predict", b'{"instances": [' + body + b"]}", method="POST"
        )
        with urllib.request.urlopen(request) as response:
            response.read()
        total = time.monotonic() - server.started
        return total, servers.phases(server)


@contextlib.contextmanager
def checkout(commit: str | None) -> Iterator[Path | None]:
    """A worktree of the commit."""
    if commit is None:
        yield None
        return
    with tempfile.TemporaryDirectory() as place:
        folder = f"{place}/before"
        run = ["git", "worktree", "add", "--quiet", "--detach", folder, commit]
        process = subprocess.run(run, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        if process.returncode:
            print(process.stderr.strip(), file=sys.stderr)
            raise SystemExit(f"--before is {commit!r}, allowed is a commit of this repository")
        try:
            yield Path(folder)
        finally:
            remove = ["git", "worktree", "remove", "--force", folder]
            subprocess.run(remove, cwd=REPOSITORY, check=True)
