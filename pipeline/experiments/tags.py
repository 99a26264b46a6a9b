"""A run's tags, in a file of its folder; `keep` is the one that nothing removes."""

import json
from collections.abc import Iterable
from pathlib import Path

from pipeline.errors import ConfigurationError, RunError
from pipeline.local.store import write
from settings.values import shown

NAME = "tags.json"
KEEP = "keep"
LONGEST = 100  # characters


def checked(text: str) -> str:
    """The tag; raises ConfigurationError for one that a list or a filter could not show."""
    content = text.strip()
    has_margin = text != content
    is_short = 1 <= len(text) <= LONGEST
    if is_short and text.isprintable() and not has_margin:
        return text
    raise ConfigurationError(
        f"--tag is {shown(text)}, allowed are 1 to {LONGEST} printable characters without "
        "spaces around them"
    )


def read(folder: Path) -> tuple[str, ...]:
    """The tags in order, none without a file; raises RunError for a damaged one."""
    file = folder / NAME
    try:
        text = file.read_text(encoding="utf-8")
        document = json.loads(text)
    except FileNotFoundError:
        return ()
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{file}: no tags ({error!r:.100})") from error
    if not isinstance(document, list) or not all(isinstance(tag, str) for tag in document):
        raise RunError(f"{file}: no tags, allowed is a list of texts")
    return tuple(document)


def keep(folder: Path, tags: Iterable[str]) -> None:
    """Replace the run's tags; raises RunError where its folder is gone."""
    if not folder.is_dir():
        raise RunError(f"{folder} is gone: it was removed meanwhile")
    names = list(dict.fromkeys(tags))
    text = json.dumps(names)
    file = folder / NAME
    write(file, f"{text}\n")
