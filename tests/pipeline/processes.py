"""Linux's facts about a running process."""

from pathlib import Path


def state_and_parent(folder: Path) -> tuple[str, int]:
    """The state of a process and its parent's id, from its folder in /proc."""
    _, _, fields = (folder / "stat").read_text().rpartition(")")
    state, parent, *_ = fields.split()
    return state, int(parent)
