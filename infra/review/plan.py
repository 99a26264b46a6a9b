"""Read what `make plan` leaves of a stack: Terraform's plan as JSON and as text, or the error that kept it from one.

As a program it takes from a folder of plans what nobody should be able to download: state, and values that are marked sensitive.
"""

import json
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.review import secret_values

ACTIONS = {
    ("no-op",): "",
    ("read",): "",
    ("create",): "add",
    ("update",): "change",
    ("delete", "create"): "replace",
    ("create", "delete"): "replace",
    ("delete",): "destroy",
}
READ = ("format_version", "terraform_version", "errored")


@dataclass(frozen=True)
class Change:
    """What a plan does to one resource; `path` is its construct's, `forced_by` the attributes that force a replacement."""

    action: str
    address: str
    path: str
    forced_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One stack's plan, or with an `error` none."""

    stack: str
    changes: tuple[Change, ...] = ()
    outputs_change: bool = False
    text: str = ""
    error: str = ""

    @property
    def stage(self) -> str:
        return self.stack.rpartition("-")[2]

    @property
    def empty(self) -> bool:
        return not (self.changes or self.outputs_change or self.error)

    def count(self, action: str) -> int:
        return sum(change.action == action for change in self.changes)


def read_all(folder: Path, stacks: Path | None = None) -> list[Plan]:
    """The plans in a folder; with the folder of synthesized stacks, also an error for each stack that has none.

    The bootstrap stacks are a person's work and never planned by CI.
    """
    names = {
        path.name.removesuffix(".error.txt").removesuffix(".json")
        for path in _documents(folder) + _errors(folder)
    }
    synthesized = stacks.glob("*/cdk.tf.json") if stacks else ()
    names |= {
        path.parent.name for path in synthesized if not path.parent.name.startswith("bootstrap-")
    }
    return [read(folder, name, construct_paths(stacks, name)) for name in sorted(names)]


def read(folder: Path, stack: str, paths: Mapping[str, str]) -> Plan:
    """One stack's plan; whatever keeps it from being read is the plan's error."""
    error, document = folder / f"{stack}.error.txt", folder / f"{stack}.json"
    if error.exists():
        return Plan(stack, error=_text(error) or "terraform failed and said nothing")
    if not document.exists():
        return Plan(stack, error="no plan was made: see the log of its job")
    try:
        shown = json.loads(document.read_text())
        changes = tuple(_changes(shown, stack, paths))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        return Plan(
            stack, error=f"{document.name} is no plan of terraform's that can be read: {problem}"
        )
    text = secret_values.hidden(_text(folder / f"{stack}.txt"), shown)
    if shown.get("errored"):
        return Plan(stack, error=f"the plan is incomplete\n{text}")
    outputs_change = any(
        output["actions"] != ["no-op"] for output in shown.get("output_changes", {}).values()
    )
    return Plan(stack, changes, outputs_change, text)


def construct_paths(stacks: Path | None, stack: str) -> dict[str, str]:
    """The construct path of each address, from the synthesized stack: a plan does not carry it."""
    if stacks is None or not (stacks / stack / "cdk.tf.json").exists():
        return {}
    kinds = json.loads((stacks / stack / "cdk.tf.json").read_text()).get("resource", {})
    found = {
        f"{kind}.{name}": body.get("//", {}).get("metadata", {}).get("path")
        for kind, bodies in kinds.items()
        for name, body in bodies.items()
    }
    return {address: path for address, path in found.items() if path}


def without_secrets(shown: dict[str, Any]) -> dict[str, Any]:
    """Of a plan's JSON only what is read here: which resource, which actions, why."""
    changes = [
        {key: change[key] for key in ("address", "type", "name", "action_reason") if key in change}
        | {
            "change": {
                key: change["change"][key]
                for key in ("actions", "replace_paths")
                if key in change["change"]
            }
        }
        for change in shown.get("resource_changes", [])
    ]
    outputs = {
        name: {"actions": output["actions"]}
        for name, output in shown.get("output_changes", {}).items()
    }
    return {key: shown[key] for key in READ if key in shown} | {
        "resource_changes": changes,
        "output_changes": outputs,
    }


def _changes(shown: dict[str, Any], stack: str, paths: Mapping[str, str]) -> Iterator[Change]:
    for resource in shown.get("resource_changes", []):
        actions = tuple(resource["change"]["actions"])
        if actions not in ACTIONS:
            raise ValueError(
                f"{resource['address']} has the actions {actions}, known are {', '.join('/'.join(known) for known in ACTIONS)}"
            )
        if not ACTIONS[actions]:
            continue
        path = paths.get(f"{resource['type']}.{resource['name']}") or _path_of_name(
            stack, resource["name"]
        )
        forced_by = tuple(
            _attribute(steps) for steps in resource["change"].get("replace_paths") or ()
        )
        yield Change(ACTIONS[actions], resource["address"], path, forced_by)


def _path_of_name(stack: str, name: str) -> str:
    """What is destroyed is no longer synthesized; CDKTF made its name of the path's parts and a hash of eight digits."""
    return "/".join([stack, *re.sub(r"_[0-9A-F]{8}$", "", name).split("_")])


def _attribute(steps: list[str | int]) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in steps).lstrip(
        "."
    )


def _documents(folder: Path) -> list[Path]:
    return [path for path in folder.glob("*-*.json") if not path.name.endswith(".actions.json")]


def _errors(folder: Path) -> list[Path]:
    return list(folder.glob("*-*.error.txt"))


def _text(path: Path) -> str:
    return path.read_text(errors="replace").strip("\n") if path.exists() else ""


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        print(
            f"plan: give the folder of plans, got {' '.join(arguments) or 'nothing'}",
            file=sys.stderr,
        )
        return 2
    for document in _documents(Path(arguments[0])):
        shown, text = json.loads(document.read_text()), document.with_suffix(".txt")
        if text.exists():
            text.write_text(secret_values.hidden(text.read_text(errors="replace"), shown))
        document.write_text(json.dumps(without_secrets(shown), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
