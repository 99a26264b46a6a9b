"""Put text that others wrote into GitHub's Markdown, so that it stays text, and cut it to a length."""

import html
import re
import unicodedata
from collections.abc import Sequence


def plain(text: str) -> str:
    """Without terminal colours, control characters and invisible ones that turn the direction of reading."""
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return "".join(
        letter
        for letter in text
        if letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf")
    )


def code(text: str, longest: int = 300) -> str:
    """Code within a line: neither a backtick nor a line break in it can end it, and nobody is mentioned."""
    text = " ".join(plain(text).split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    padding = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{padding}{text}{padding}{fence}" if text else ""


def row(*cells: object) -> str:
    """A table's row; a bar would begin the next cell even within code."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def folded(title: str, text: str) -> str:
    """A block that opens on a click; three backticks in the text would end it, so they become three quotes, which take no more room."""
    text = text.replace("```", "'''")
    return f"<details><summary><code>{html.escape(' '.join(plain(title).split()))}</code></summary>\n\n```text\n{text}\n```\n\n</details>"


def cut(text: str, room: int, whole: str) -> str:
    """The first lines that fit into `room` characters; the last one then says how many are missing and where they are."""
    if len(text) <= room:
        return text
    lines, kept, used = text.split("\n"), 0, len(_missing(text.count("\n") + 1, whole))
    while used + len(lines[kept]) + 1 <= room:
        used += len(lines[kept]) + 1
        kept += 1
    return "\n".join([*lines[:kept], _missing(len(lines) - kept, whole)])


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """Divide `room` among texts: the short ones get all they need, the long ones share what is left evenly."""
    given = [0] * len(lengths)
    shortest_first = sorted(range(len(lengths)), key=lengths.__getitem__)
    for position, at in enumerate(shortest_first):
        given[at] = min(lengths[at], max(room, 0) // (len(lengths) - position))
        room -= given[at]
    return given


def _missing(lines: int, whole: str) -> str:
    return f"... {lines} more lines, cut to fit into a comment; the whole: {whole}"
