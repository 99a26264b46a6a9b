"""Hostile paths, given to the verbs that take one; none is trained in."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from tests.hostile.case import Case, Outcome
from tests.hostile.verb import called
from tests.team import MODELS

CAB = MODELS / "cab"
# What a glob, a URI, a database's address, a shell or a terminal reads as more than a letter.
CHARACTERS = "*?[]{}\\#%&=;:@,'\"`$~!|<>()^+ \t\n\r\x00\x1b\x7f\udcffé日🚖\u202e\u00a0ab."
NAMES = (
    *("a[1]b", "a#b", "a%20b", "a b", "a?b", "a*b", "a'b", 'a"b', "a\\b", "é日", "🚖", "a%"),
    *("a\nb", "a\x00b", "a\x7fb", "a\udcffb", "-a", "~", ".", "..", " ", "a" * 300, "a/" * 3000),
    *(
        "gs://bucket/runs",
        "file:///tmp/runs",
        "sqlite:///a",
        "s3:/a",
        "{{$}}",
        "$HOME",
        "%s",
        "a:b",
    ),
)
NO_FOLDERS = ("file", "file/below", "loop")
FOLDERS = ("dangling", "no/such/folder", "folder")
DEVICES = ("/dev/null", "/dev/full", "/proc", "/proc/self/runs", "/sys/runs")
RANDOM_NAMES = 12


def cases(random: Random) -> Iterator[Case]:
    """A case's outcome is a verb's exit code and what it says."""
    mixed_cases = [*_of_names(random), *_of_places(random)]
    random.shuffle(mixed_cases)
    yield from mixed_cases


def _of_names(random: Random) -> Iterator[Case]:
    for name in (*NAMES, *_random_names(random)):
        verb = random.choice(("runs", "serve", "compile", "output"))
        yield Case(f"{verb} {name[:40]!r}", partial(_named, verb, name))


def _of_places(random: Random) -> Iterator[Case]:
    for verb in ("runs", "serve", "compile", "output", "predict", "run", "schema"):
        for place in NO_FOLDERS:
            yield Case(f"{verb} where a {place} is", partial(_named, verb, place))
        device = random.choice(DEVICES)
        if verb != "run":
            yield Case(f"{verb} {device}", partial(_outcome, verb, device))
    for verb in ("runs", "serve", "compile"):
        for place in FOLDERS:
            yield Case(f"{verb} where a {place} is", partial(_named, verb, place))


def _random_names(random: Random) -> Iterator[str]:
    for _ in range(RANDOM_NAMES):
        length = random.randint(1, 12)
        yield "".join(random.choices(CHARACTERS, k=length))


def _named(verb: str, name: str, scratch: Path) -> Outcome:
    """The verb's outcome for a name in the scratch folder; a URI stays as it is."""
    _make_places(scratch)
    is_uri = ":/" in name
    return _outcome(verb, name if is_uri else f"{scratch}/{name}", scratch)


def _make_places(scratch: Path) -> None:
    (scratch / "file").touch()
    (scratch / "folder").mkdir(exist_ok=True)
    for name, target in (("loop", "loop"), ("dangling", "nowhere")):
        link = scratch / name
        if not link.is_symlink():
            link.symlink_to(scratch / target)


def _outcome(verb: str, path: str, scratch: Path) -> Outcome:
    return called(*_arguments(verb, path, scratch))


def _arguments(verb: str, path: str, scratch: Path) -> list[str]:
    """The command line in which the verb is given this path; it never trains or listens."""
    runs = f"{scratch}/none"
    predict = ["predict", str(CAB), f"--runs={runs}", f"--input={CAB}/rows.csv"]
    commands = {
        "run": ["run", str(CAB), f"--runs={path}"],
        "runs": ["runs", f"--runs={path}"],
        "serve": ["serve", "cab", f"--runs={path}"],
        "compile": ["compile", str(CAB), "--env=local", f"--runs={path}", f"--output={scratch}"],
        "schema": ["schema", path if "/" in path else f"./{path}"],
        "output": ["compile", str(CAB), "--env=local", f"--runs={runs}", f"--output={path}"],
        "predict": [*predict, f"--output={path}/out.csv"],
    }
    return commands[verb]
