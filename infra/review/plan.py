"""Read the files of `make plan` for a stack.

They are Terraform's plan as JSON and as text, or the error that kept it from one. As a program the
module takes from a folder of plans what nobody should be able to download: state, and values that
are marked sensitive.
"""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.deploy.cdktf_patches import guess_construct_path
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
# What is read of a plan's JSON: its own keys, a resource's, and those of the change to it.
HEADER = ("format_version", "terraform_version", "errored")
RESOURCE = ("address", "type", "name", "action_reason")
EFFECT = ("actions", "replace_paths")
Document = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One resource's change in a plan.

    `path` is its construct's, `forced_by` the attributes that force a replacement.
    """

    action: str
    address: str
    path: str
    forced_by: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """One stack's plan, or the `error` that kept Terraform from one."""

    stack: str
    changes: tuple[Change, ...] = ()
    outputs_change: bool = False
    text: str = ""
    error: str = ""

    @property
    def stage(self) -> str:
        _, _, stage = self.stack.rpartition("-")
        return stage

    @property
    def empty(self) -> bool:
        return not (self.changes or self.outputs_change or self.error)

    def count(self, action: str) -> int:
        actions = [change.action for change in self.changes]
        return actions.count(action)


def read_all(folder: Path, stacks: Path | None = None) -> list[Plan]:
    """The plans in a folder.

    With the folder of synthesized stacks, there is also an error for each stack that has no plan.
    The bootstrap stacks are a person's work and never planned by CI.
    """
    files = _documents(folder) + _errors(folder)
    names = {path.name.removesuffix(".error.txt").removesuffix(".json") for path in files}
    for name in _synthesized(stacks):
        if not name.startswith("bootstrap-"):
            names.add(name)
    return [read(folder, name, construct_paths(stacks, name)) for name in sorted(names)]


def _synthesized(stacks: Path | None) -> list[str]:
    if stacks is None:
        return []
    return [path.parent.name for path in stacks.glob("*/cdk.tf.json")]


def read(folder: Path, stack: str, paths: Mapping[str, str]) -> Plan:
    """Return one stack's plan; a failure to read it is the plan's error."""
    error, document = folder / f"{stack}.error.txt", folder / f"{stack}.json"
    if error.exists():
        message = _text(error) or "terraform failed and said nothing"
        return Plan(stack, error=message)
    if not document.exists():
        return Plan(stack, error="no plan was made: see the log of its job")
    try:
        plan_json = json.loads(document.read_text(encoding="utf-8"))
        changes = tuple(_changes(plan_json, stack, paths))
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        message = f"{document.name} is no plan of terraform's that can be read: {problem}"
        return Plan(stack, error=message)
    raw_text = _text(folder / f"{stack}.txt")
    text = secret_values.hidden(raw_text, plan_json)
    if plan_json.get("errored"):
        return Plan(stack, error=f"the plan is incomplete\n{text}")
    outputs = plan_json.get("output_changes", {}).values()
    outputs_change = any(output["actions"] != ["no-op"] for output in outputs)
    return Plan(stack, changes, outputs_change, text)


def construct_paths(stacks: Path | None, stack: str) -> dict[str, str]:
    """The construct path of each address, from the synthesized stack: a plan does not carry it."""
    if stacks is None:
        return {}
    file = stacks / stack / "cdk.tf.json"
    if not file.exists():
        return {}
    document = json.loads(file.read_text(encoding="utf-8"))
    paths = {}
    for kind, bodies in document.get("resource", {}).items():
        for name, body in bodies.items():
            path = body.get("//", {}).get("metadata", {}).get("path")
            if path:
                paths[f"{kind}.{name}"] = path
    return paths


def without_secrets(shown: Document) -> Document:
    """Return the readable part of a plan's JSON: resources, actions, reasons.

    Only the keys that this module reads are kept.
    """
    changes = []
    for resource in shown.get("resource_changes", []):
        effect = _part(resource["change"], EFFECT)
        description = _part(resource, RESOURCE)
        changes.append(description | {"change": effect})
    outputs = {
        name: {"actions": output["actions"]}
        for name, output in shown.get("output_changes", {}).items()
    }
    header = _part(shown, HEADER)
    return header | {"resource_changes": changes, "output_changes": outputs}


def _part(document: Document, keys: Sequence[str]) -> Document:
    return {key: document[key] for key in keys if key in document}


def _changes(plan_json: Document, stack: str, paths: Mapping[str, str]) -> Iterator[Change]:
    for resource in plan_json.get("resource_changes", []):
        change = resource["change"]
        actions = tuple(change["actions"])
        if actions not in ACTIONS:
            choices = ", ".join("/".join(names) for names in ACTIONS)
            raise ValueError(
                f"{resource['address']} has the actions {actions}, known are {choices}"
            )
        action = ACTIONS[actions]
        if not action:
            continue
        kind, name = resource["type"], resource["name"]
        # A destroyed resource is no longer synthesized.
        path = paths.get(f"{kind}.{name}") or guess_construct_path(stack, name)
        replace_paths = change.get("replace_paths") or ()
        forced_by = tuple(_attribute(steps) for steps in replace_paths)
        yield Change(action, resource["address"], path, forced_by)


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
    if not path.exists():
        return ""
    return path.read_text(encoding="utf-8", errors="replace").strip("\n")


def main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        words = " ".join(arguments) or "nothing"
        print(f"plan: give the folder of plans, got {words}", file=sys.stderr)
        return 2
    folder = Path(arguments[0])
    for document in _documents(folder):
        _hide_secrets(document)
    return 0


def _hide_secrets(document: Path) -> None:
    plan_json = json.loads(document.read_text(encoding="utf-8"))
    text_file = document.with_suffix(".txt")
    if text_file.exists():
        text = text_file.read_text(encoding="utf-8", errors="replace")
        text_file.write_text(secret_values.hidden(text, plan_json), encoding="utf-8")
    public_json = json.dumps(without_secrets(plan_json), indent=1)
    document.write_text(f"{public_json}\n", encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
