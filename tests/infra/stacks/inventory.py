"""The resources of each stack, for a reviewer to read as a diff.

`make inventories` writes tests/infra/stacks/inventories/<stage>.json. An id is a contract: a resource
whose id changes is destroyed and made again.
"""

import json
import tempfile
from pathlib import Path

from environments import ENVIRONMENTS

INVENTORIES = Path(__file__).with_name("inventories")


def inventory(stacks: dict[str, dict], stage: str) -> dict[str, dict[str, dict]]:
    """stack -> type -> how many, and their ids."""
    return {
        name: {
            type_: {"count": len(ids), "ids": sorted(ids)}
            for type_, ids in sorted(synthesized.get("resource", {}).items())
        }
        for name, synthesized in sorted(stacks.items())
        if name.endswith(f"-{stage}")
    }


def read(stage: str) -> dict[str, dict[str, dict]]:
    return json.loads((INVENTORIES / f"{stage}.json").read_text())


def main() -> None:
    from tests.infra.conftest import synthesize

    with tempfile.TemporaryDirectory() as folder:
        stacks = synthesize(Path(folder)).stacks
    INVENTORIES.mkdir(exist_ok=True)
    for stage in ENVIRONMENTS:
        (INVENTORIES / f"{stage}.json").write_text(
            json.dumps(inventory(stacks, stage), indent=1) + "\n"
        )


if __name__ == "__main__":
    main()
