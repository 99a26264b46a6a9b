"""Ask a stage's real project about undocumented behaviour: `make probe env=dev`.

    python -m infra.probe --env ENV [--yes] [--json]

Each probe names its assumption and, where it is wrong, what follows. It first says what it makes
and for how long; what is billed is only made with --yes. Everything that was made is removed, also
after Ctrl-C. Exit 0 when all is as assumed, 1 when something stays or a probe could not be made, 2
when the question is wrong, 3 when an assumption is wrong, 130 when somebody has interrupted. An
assumption that is wrong outranks a probe that could not be made, and what stays outranks both.
"""

import argparse
import json
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field

from infra.doctor.finding import NotAskedError
from infra.doctor.google import Google
from infra.doctor.placeholders import shipped
from infra.doctor.rest import Rest
from infra.errors import UsageError
from infra.probe.answer import Answer, Probe, answer, unknown
from infra.probe.probes import PROBES
from infra.probe.project import InterruptedProbeError, Project
from infra.stage_choice import chosen_stage
from settings import Settings

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INTERRUPTED = 130
STANDARD_ERROR = 2


@dataclass
class Result:
    answers: list[Answer] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    interrupted: bool = False

    @property
    def code(self) -> int:
        if self.interrupted:
            return INTERRUPTED
        if self.leftovers:
            return 1
        states = {answer.state for answer in self.answers}
        if "wrong" in states:
            return 3
        return 1 if "unknown" in states else 0


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        settings = _settings(options.env)
        Google(Rest()).token()  # else each probe would say the same
    except UsageError as error:
        print(error, file=sys.stderr)
        return 2
    except NotAskedError as error:
        print(error.sentence, file=sys.stderr)
        return 1
    _tell_costs(settings, yes=options.yes)
    with _interrupt() as interrupt:
        result = probed(settings, interrupt, yes=options.yes)
    _tell(options.env, result, as_json=options.json)
    return result.code


def _settings(stage: str) -> Settings:
    settings = chosen_stage(stage)
    if shipped(settings, "project_id"):
        raise UsageError(
            f"project_id of {stage} is {settings.project_id!r}, as shipped: "
            "allowed is a project of your own"
        )
    return settings


def probed(settings: Settings, interrupt: threading.Event, *, yes: bool) -> Result:
    project = Project(settings, interrupt)
    result = Result()
    for probe in PROBES:
        if probe.billed and not yes:
            reason = "not asked: what it makes is billed, and `yes=1` makes it"
            result.answers.append(unknown(probe, reason))
            continue
        print(f"asking {probe.name}", file=sys.stderr, flush=True)
        try:
            result.answers.append(answer(probe, project))
        except InterruptedProbeError:
            pass  # the event says so, too
        finally:
            result.leftovers += project.clear()
        if interrupt.is_set():
            result.interrupted = True
            break
    return result


@contextmanager
def _interrupt() -> Iterator[threading.Event]:
    """Yield an event for a signal to set; restore the handlers afterwards."""
    interrupt = threading.Event()

    def note(*_: object) -> None:
        interrupt.set()
        # A print could meet another one that it has interrupted; the terminal may be gone.
        with suppress(OSError):
            os.write(STANDARD_ERROR, b"interrupted: what was made is being removed\n")

    handlers = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield interrupt
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _tell_costs(settings: Settings, *, yes: bool) -> None:
    """Name the resources to make on standard error, once for all probes sharing them."""
    machine_type = settings.serving.machine_type
    for makes in dict.fromkeys(probe.makes for probe in PROBES if probe.makes):
        probes = [probe for probe in PROBES if probe.makes == makes]
        skipped = probes[0].billed and not yes
        verb = "would make, with yes=1," if skipped else "makes"
        sentence = makes.format(machine_type=machine_type)
        print(f"{_names(probes)}: {verb} {sentence}", file=sys.stderr, flush=True)


def _names(probes: Sequence[Probe]) -> str:
    return ", ".join(probe.name for probe in probes)


def _tell(stage: str, result: Result, *, as_json: bool) -> None:
    if as_json:
        rows = [asdict(answer) for answer in result.answers]
        document = {"env": stage, "answers": rows, "leftovers": result.leftovers}
        print(json.dumps(document, indent=1))
    else:
        for answer in result.answers:
            print(answer)
    for leftover in result.leftovers:
        print(leftover, file=sys.stderr)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="probe", description="Ask a real project what no document answers."
    )
    parser.add_argument("--env", required=True)
    parser.add_argument("--yes", action="store_true", help="also make what is billed")
    parser.add_argument("--json", action="store_true", help="print the answers as JSON")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
