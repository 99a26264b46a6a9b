"""Declarations of a model that somebody may write: legal in TOML or not, and hardly ever ours."""

import re
import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from tests.hostile.case import Case, Outcome
from tests.hostile.verb import called
from tests.pipeline.conftest import IMAGES
from tests.team import MODELS

PLAIN = (MODELS / "cab/model.toml").read_text()
SLICE = '[[gate.slices]]\nfeature = "company"\nvalue = "01"\nlower_bound = 0.6\n'
MONITORING = "window_days = 7\nfalse_alarms_a_year = 1.0\nleave_out = []\n"
LIMITS = "[monitoring.limits]\nfare = 0.02\n"
WHOLE = PLAIN + MONITORING + LIMITS + SLICE
KEYS = re.findall(r"^(\w+) = ", WHOLE, flags=re.MULTILINE)
VALUES = (
    *("0", "-1", "1", "2147483648", f"{2**63}", f"{10**30}", "9" * 5000, f"0x{'f' * 5000}"),
    *("nan", "-nan", "inf", "-inf", "1e39", "1e400", "1e-400", "0.1", "-0.0", "1_000", "0b101"),
    *("true", "false", "2013-07-10", "07:32:00", "1979-05-27T07:32:00Z", "yes", "None", ""),
    *(
        '""',
        "''",
        '"a"',
        '"nan"',
        '"1"',
        '"a\\u0000b"',
        '"\\ud800"',
        '"é日"',
        '"../.."',
        '"package:"',
    ),
    *(f'"{"x" * 5000}"', '"package:no.such/x.csv"', '"package:json/x.csv"', '"""\na\nb"""'),
    *("[]", "[[1]]", "{}", "{a = 1}", "[1, 'a', nan]", "[" * 2000, f"[{'1,' * 5000}]"),
)


def cases(random: Random) -> Iterator[Case]:
    while True:
        change = random.choice(CHANGES)
        name, content = change(random)
        stage = random.choice(("dev", "local"))
        yield Case(f"{name[:60]!r} for {stage}", partial(_compiled, content, stage))


def _compiled(content: bytes, stage: str, scratch: Path) -> Outcome:
    folder = scratch / "cab"
    shutil.copytree(MODELS / "cab", folder)
    (folder / "model.toml").write_bytes(content)
    images = () if stage == "local" else IMAGES
    places = ("--runs", scratch / "runs", "--output", scratch / "out")
    return called("compile", folder, "--env", stage, *images, *places)


def _value(random: Random) -> tuple[str, bytes]:
    """Another value for a key."""
    line = f"{random.choice(KEYS)} = {random.choice(VALUES)}"
    key, _, _ = line.partition(" ")
    places = list(re.finditer(rf"^{key} = .*", WHOLE, flags=re.MULTILINE))
    place = random.choice(places)  # some tables have keys of the same name
    text = WHOLE[: place.start()] + line + WHOLE[place.end() :]
    return line, text.encode()


def _line(random: Random) -> tuple[str, bytes]:
    """A line left out, written twice, or moved to the end."""
    lines = PLAIN.splitlines()
    place = random.randrange(len(lines))
    line = lines.pop(place)
    ways = {
        "without": lines,
        "twice": [*lines[:place], line, line, *lines[place:]],
        "last": [*lines, line],
    }
    way = random.choice(list(ways))
    return f"{way}: {line}", "\n".join(ways[way]).encode()


def _addition(random: Random) -> tuple[str, bytes]:
    """More than a declaration holds."""
    addition = random.choice(
        (
            "unknown = 1\n",
            "".join(f"unknown_{number} = 1\n" for number in range(200)),
            f"{'.'.join('abc' * 1000)} = 1\n",
            f"{'k' * 5000} = 1\n",
            '"" = 1\n',
            '"a b\\nc" = nan\n',
        )
    )
    table = random.choice(re.findall(r"^\[.*\]$", PLAIN, flags=re.MULTILINE))
    text = PLAIN.replace(f"{table}\n", f"{table}\n{addition}", 1)
    return f"{addition} in {table}", text.encode()


def _encoding(random: Random) -> tuple[str, bytes]:
    """Other bytes than those of UTF-8."""
    encoding = random.choice(("latin-1", "utf-16", "utf-8-sig", "cp1252", "utf-32"))
    purpose = f'purpose = "é{random.randrange(1000)}"'
    text = re.sub(r"^purpose = .*", purpose, PLAIN)
    return encoding, text.encode(encoding)


def _noise(random: Random) -> tuple[str, bytes]:
    """A few bytes changed."""
    content = bytearray(PLAIN.encode())
    places = [random.randrange(len(content)) for _ in range(random.randint(1, 5))]
    for place in places:
        content[place] = random.randrange(256)
    return f"noise at {places}", bytes(content)


CHANGES = (_value, _value, _value, _value, _line, _addition, _encoding, _noise)
