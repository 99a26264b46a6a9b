"""The resources of each stack, for a reviewer to read as a diff.

`make inventories` writes tests/infra/stacks/inventories/<stage>.json. An id is a contract: a
resource whose id changes is destroyed and made again.
"""

import json
import tempfile
from pathlib import Path

from environments import ENVIRONMENTS

INVENTORIES = Path(__file__).with_name("inventories")
Inventory = dict[str, dict[str, dict]]  # stack -> type -> how many, and their ids


def inventory(stacks: dict[str, dict], stage: str) -> Inventory:
    suffix = f"-{stage}"
    names = sorted(stacks)
    return {name: _of_stack(stacks[name]) for name in names if name.endswith(suffix)}


def _of_stack(synthesized: dict) -> dict[str, dict]:
    types = {}
    resources = synthesized.get("resource", {})
    for type_, bodies in sorted(resources.items()):
        types[type_] = {"count": len(bodies), "ids": sorted(bodies)}
    return types


def read(stage: str) -> Inventory:
    text = _file(stage).read_text()
    return json.loads(text)


def _file(stage: str) -> Path:
    return INVENTORIES / f"{stage}.json"


def main() -> None:
    from tests.infra.conftest import synthesize

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stacks = synthesize(folder).stacks
    INVENTORIES.mkdir(exist_ok=True)
    for stage in ENVIRONMENTS:
        resources = inventory(stacks, stage)
        text = json.dumps(resources, indent=1)
        _file(stage).write_text(f"{text}\n")


if __name__ == "__main__":
    main()
