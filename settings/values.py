"""The range of each number of a stage, and a value as a sentence shows it."""

from collections.abc import Iterable
from dataclasses import dataclass

INT32 = 2**31 - 1
INT64 = 2**63 - 1
CENTURY_DAYS = 36_525
LONGEST_VALUE = 80
LONGEST_SENTENCE = 300  # of problems together; their file's path comes before it


@dataclass(frozen=True)
class Within:
    """The range of a number: from `least` to `largest`, but none of `without`."""

    least: int
    largest: int
    without: tuple[int, ...] = ()

    def holds(self, value: float) -> bool:
        """Say whether the value lies in the range; NaN does not."""
        return self.least <= value <= self.largest and value not in self.without

    def __str__(self) -> str:
        lower = "more than" if self.least in self.without else "at least"
        upper = "less than" if self.largest in self.without else "at most"
        return f"{lower} {self.least} and {upper} {self.largest}"


def shown(value: object) -> str:
    """The value in Python's notation, cut if it is long."""
    try:
        text = repr(value)
    except ValueError:  # an integer of more than 4,300 digits
        return "a number of thousands of digits"
    except RecursionError:
        return "a value of many levels"
    return cut(text, LONGEST_VALUE)


def printable(text: str) -> str:
    """The text with a question mark for each unprintable character."""
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def cut(text: str, longest: int = LONGEST_SENTENCE) -> str:
    """The text on one line, printable, and no longer than `longest`."""
    line = printable(" ".join(text.split()))
    if len(line) <= longest:
        return line
    return f"{line[: longest - 3]}..."


def listed(names: Iterable[str]) -> str:
    """The names joined by commas, as many as a sentence has room for."""
    return _joined(list(names), ", ", LONGEST_VALUE)


def joined(problems: list[str]) -> str:
    """The problems as one sentence: as many as it has room for, and how many more there are."""
    return _joined(problems, "; ", LONGEST_SENTENCE)


def _joined(parts: list[str], separator: str, longest: int) -> str:
    first, *others = [cut(part) for part in parts] or [""]
    text = first
    for count, part in enumerate(others, start=1):
        longer = f"{text}{separator}{part}"
        if len(longer) > longest:
            return f"{text}{separator}and {len(parts) - count} more"
        text = longer
    return text
