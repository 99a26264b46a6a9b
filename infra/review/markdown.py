"""Put foreign text into GitHub's Markdown, and have it stay text.

Long text is cut to a length.
"""

import html
import re
import unicodedata
from collections.abc import Sequence


def plain(text: str) -> str:
    """The text without terminal colours, control characters and direction marks.

    Direction marks are invisible, and turn the direction of reading.
    """
    text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    return "".join(letter for letter in text if _is_visible(letter))


def _is_visible(letter: str) -> bool:
    return letter in "\n\t" or unicodedata.category(letter) not in ("Cc", "Cf")


def code(text: str, longest: int = 300) -> str:
    """Code within a line.

    Neither a backtick nor a line break in it can end it, and nobody is mentioned.
    """
    text = " ".join(plain(text).split())
    text = text if len(text) <= longest else text[: longest - 1] + "…"
    longest_run = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest_run + 1)
    padding = " " if text[:1] == "`" or text[-1:] == "`" else ""
    return f"{fence}{padding}{text}{padding}{fence}" if text else ""


def row(*cells: object) -> str:
    """A table's row; a bar would begin the next cell even within code."""
    return "| " + " | ".join(str(cell).replace("|", "\\|") for cell in cells) + " |"


def folded(title: str, text: str) -> str:
    """Return a block to open with a click.

    Three backticks in the text would end it, so they become three quotes, which take no more room.
    """
    text = text.replace("```", "'''")
    summary = html.escape(" ".join(plain(title).split()))
    return (
        f"<details><summary><code>{summary}</code></summary>\n\n```text\n{text}\n```\n\n</details>"
    )


def cut(text: str, room: int, whole: str) -> str:
    """Return as many first lines as fit into `room` characters.

    The last line then says how many are missing and where they are.
    """
    if len(text) <= room:
        return text
    lines, count = text.split("\n"), 0
    length = len(_missing(len(lines), whole))
    while length + len(lines[count]) + 1 <= room:
        length += len(lines[count]) + 1
        count += 1
    return "\n".join([*lines[:count], _missing(len(lines) - count, whole)])


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """Divide `room` among texts.

    The short ones get all they need, the long ones share what is left evenly.
    """
    portions = [0] * len(lengths)
    shortest_first = sorted(range(len(lengths)), key=lengths.__getitem__)
    for position, index in enumerate(shortest_first):
        portions[index] = min(lengths[index], max(room, 0) // (len(lengths) - position))
        room -= portions[index]
    return portions


def _missing(lines: int, whole: str) -> str:
    return f"... {lines} more lines, cut to fit into a comment; the whole: {whole}"
