"""Texts of query.sql that somebody may write, compiled for a stage."""

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

from tests.hostile.case import Case, Outcome
from tests.hostile.verb import called
from tests.pipeline.conftest import IMAGES
from tests.team import MODELS

PLAIN = (MODELS / "ferry/query.sql").read_text()
PARTS = (
    *(
        "@begin",
        "@end",
        "@table",
        "@beginning",
        "@BEGIN",
        "@",
        "@@time_zone",
        "@@",
        "?",
        ":x",
        "$a",
    ),
    *(
        ";",
        ",",
        "(",
        ")",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "\0",
        "\ufeff",
        "\u2028",
        "é日",
        "\\",
        "{{ @a }}",
    ),
    *("'", '"', "`", "'''", '"""', "--", "#", "/*", "*/", "-- x@y; z\n", "# x@y\n", "/* @b; */"),
    *(
        "r'\\d@'",
        "'it\\'s'",
        "b'@'",
        "rb'''@begin'''",
        "`a.b`",
        "`a.b.c`",
        "`@end`",
        "STRPOS(a, '@')",
    ),
    *("SELECT", "FROM", "WITH", "CREATE TABLE", "CALL p()", "DECLARE x", "BEGIN", "END", "1e400"),
    *("{SPAN}", "{VERSION}", "{{$}}", "@span_begin_timestamp", "x" * 5000, "'" + "y" * 5000 + "'"),
)
ENDINGS = ("", ";", " ; -- the end", ";\n/* the end */", "; SELECT 1", "-- x@example.org", "\\")
DAYS = ("2026-11-27", "0001-01-01", "0001-01-05", "9999-12-31", "10000-01-01", "2026-02-30", "")
OTHERS = ("", ";", "-- nothing", "SELECT", "(SELECT 1)", "\0", "SELECT 1; SELECT 2", "(" * 5000)


def cases(random: Random) -> Iterator[Case]:
    while True:
        change = random.choice(CHANGES)
        content = change(random)
        model = random.choice(("cab", "ferry"))
        end = random.choice((DAYS[0], random.choice(DAYS)))
        yield Case(f"{content[-60:]!r} of {model}", partial(_compiled, content, model, end))


def _compiled(content: bytes, model: str, end: str, scratch: Path) -> Outcome:
    folder = scratch / model
    shutil.copytree(MODELS / model, folder)
    (folder / "query.sql").write_bytes(content)
    arguments = ("--env", "dev", *IMAGES, "--output", scratch / "out", f"--end={end}")
    return called("compile", folder, *arguments)


def _mixture(random: Random) -> bytes:
    parts = random.choices(PARTS, k=random.randint(1, 12))
    return f"SELECT {' '.join(parts)} FROM @table{random.choice(ENDINGS)}".encode()


def _insertion(random: Random) -> bytes:
    place = random.randrange(len(PLAIN))
    text = f"{PLAIN[:place]}{random.choice(PARTS)}{PLAIN[place:]}"
    return f"{text.rstrip()}{random.choice(ENDINGS)}".encode()


def _encoding(random: Random) -> bytes:
    text = f"-- é{random.randrange(1000)}\n{PLAIN}"
    return text.encode(random.choice(("latin-1", "utf-16", "utf-8-sig", "cp1252")))


def _another(random: Random) -> bytes:
    return random.choice(OTHERS).encode()


CHANGES = (_mixture, _mixture, _mixture, _insertion, _insertion, _encoding, _another)
