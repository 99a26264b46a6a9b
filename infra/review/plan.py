"""Read the files of `make plan` for a stack.

They are Terraform's plan as JSON and as text, or the error that kept it from one. As a program the
module takes from a folder of plans what nobody should be able to download: state, and values that
are marked sensitive.
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
    """What a plan does to one resource.

    `path` is its construct's, `forced_by` the attributes that force a replacement.
    """

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
    """The plans in a folder.

    With the folder of synthesized stacks, there is also an error for each stack that has no plan.
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
    """Return one stack's plan; a failure to read it is the plan's error."""
    error, document = folder / f"{stack}.error.txt", folder / f"{stack}.json"
    if error.exists():
        return Plan(stack, error=_text(error) or "terraform failed and said nothing")
    if not document.exists():
        return Plan(stack, error="no plan was made: see the log of its job")
    try:
        plan_json = json.loads(document.read_text())
        changes = tuple(_changes(plan_json, stack, paths))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        return Plan(
            stack, error=f"{document.name} is no plan of terraform's that can be read: {problem}"
        )
    text = secret_values.hidden(_text(folder / f"{stack}.txt"), plan_json)
    if plan_json.get("errored"):
        return Plan(stack, error=f"the plan is incomplete\n{text}")
    outputs_change = any(
        output["actions"] != ["no-op"] for output in plan_json.get("output_changes", {}).values()
    )
    return Plan(stack, changes, outputs_change, text)


def construct_paths(stacks: Path | None, stack: str) -> dict[str, str]:
    """The construct path of each address, from the synthesized stack: a plan does not carry it."""
    if stacks is None or not (stacks / stack / "cdk.tf.json").exists():
        return {}
    kinds = json.loads((stacks / stack / "cdk.tf.json").read_text()).get("resource", {})
    bodies_by_address = {
        f"{kind}.{name}": body for kind, bodies in kinds.items() for name, body in bodies.items()
    }
    paths = {
        address: body.get("//", {}).get("metadata", {}).get("path")
        for address, body in bodies_by_address.items()
    }
    return {address: path for address, path in paths.items() if path}


def without_secrets(shown: dict[str, Any]) -> dict[str, Any]:
    """Return the readable part of a plan's JSON: resources, actions, reasons.

    It is only what is read here.
    """
    changes = []
    for change in shown.get("resource_changes", []):
        resource = {
            key: change[key]
            for key in ("address", "type", "name", "action_reason")
            if key in change
        }
        effect = {
            key: change["change"][key]
            for key in ("actions", "replace_paths")
            if key in change["change"]
        }
        changes.append(resource | {"change": effect})
    outputs = {
        name: {"actions": output["actions"]}
        for name, output in shown.get("output_changes", {}).items()
    }
    header = {key: shown[key] for key in READ if key in shown}
    return header | {"resource_changes": changes, "output_changes": outputs}


def _changes(plan_json: dict[str, Any], stack: str, paths: Mapping[str, str]) -> Iterator[Change]:
    for resource in plan_json.get("resource_changes", []):
        actions = tuple(resource["change"]["actions"])
        if actions not in ACTIONS:
            choices = ", ".join("/".join(names) for names in ACTIONS)
            raise ValueError(
                f"{resource['address']} has the actions {actions}, known are {choices}"
            )
        if not ACTIONS[actions]:
            continue
        kind, name = resource["type"], resource["name"]
        path = paths.get(f"{kind}.{name}") or _path_of_name(stack, name)
        replace_paths = resource["change"].get("replace_paths") or ()
        forced_by = tuple(_attribute(steps) for steps in replace_paths)
        yield Change(ACTIONS[actions], resource["address"], path, forced_by)


def _path_of_name(stack: str, name: str) -> str:
    """Guess the construct path of a destroyed resource from its name.

    The resource is no longer synthesized. CDKTF made its name of the path's parts and a hash of
    eight digits.
    """
    parts = re.sub(r"_[0-9A-F]{8}$", "", name).split("_")
    return "/".join([stack, *parts])


def _attribute(steps: list[str | int]) -> str:
    attribute = ""
    for step in steps:
        attribute += f"[{step}]" if isinstance(step, int) else f".{step}"
    return attribute.lstrip(".")


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
        plan_json, text = json.loads(document.read_text()), document.with_suffix(".txt")
        if text.exists():
            text.write_text(secret_values.hidden(text.read_text(errors="replace"), plan_json))
        document.write_text(json.dumps(without_secrets(plan_json), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
