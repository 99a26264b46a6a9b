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
    uncoloured_text = re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)
    letters = (letter for letter in uncoloured_text if _is_visible(letter))
    return "".join(letters)


def _is_visible(letter: str) -> bool:
    if letter in "\n\t":
        return True
    return unicodedata.category(letter) not in ("Cc", "Cf")


def code(text: str, longest: int = 300) -> str:
    """Code within a line.

    Neither a backtick nor a line break in it can end it, and nobody is mentioned.
    """
    text = _one_line(text)
    if not text:
        return ""
    if len(text) > longest:
        text = text[: longest - 1] + "…"
    runs = re.findall("`+", text)
    fence = max(runs, key=len, default="") + "`"
    padding = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _one_line(text: str) -> str:
    words = plain(text).split()
    return " ".join(words)


def row(*cells: object) -> str:
    """A table's row; a bar would begin the next cell even within code."""
    escaped_cells = [str(cell).replace("|", "\\|") for cell in cells]
    content = " | ".join(escaped_cells)
    return f"| {content} |"


def folded(title: str, text: str) -> str:
    """Return a block to open with a click.

    Three backticks in the text would end it, so they become three quotes, which take no more room.
    """
    summary = html.escape(_one_line(title))
    head = f"<details><summary><code>{summary}</code></summary>"
    block = text.replace("```", "'''")
    return f"{head}\n\n```text\n{block}\n```\n\n</details>"


def cut(text: str, room: int, whole: str) -> str:
    """Return as many first lines as fit into `room` characters.

    The last line then says how many are missing and where they are.
    """
    if len(text) <= room:
        return text
    lines = text.split("\n")
    note = _missing(len(lines), whole)
    room -= len(note)
    kept_lines = []
    for line in lines:
        room -= len(line) + 1
        if room < 0:
            break
        kept_lines.append(line)
    note = _missing(len(lines) - len(kept_lines), whole)
    return "\n".join([*kept_lines, note])


def shares(lengths: Sequence[int], room: int) -> list[int]:
    """Divide `room` among texts.

    The short ones get all they need, the long ones share what is left evenly.
    """
    count = len(lengths)
    portions = [0] * count
    shortest_first = sorted(range(count), key=lengths.__getitem__)
    for position, index in enumerate(shortest_first):
        even_share = max(room, 0) // (count - position)
        portion = min(lengths[index], even_share)
        portions[index] = portion
        room -= portion
    return portions


def _missing(lines: int, whole: str) -> str:
    return f"... {lines} more lines, cut to fit into a comment; the whole: {whole}"
