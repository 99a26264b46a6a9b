"""Reduces a SavedModel's graphs to what they compute.

TensorFlow lists a function's nodes in the order of a set and numbers their names accordingly
(tensorflow/python/eager/lift_to_graph.py), so that equal models have unequal bytes. A node is known
here by its operation, its attributes and its inputs, not by its name or place.
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from graphlib import TopologicalSorter
from typing import Any

# Of a table's name: Transform's temporary folder, where the file that filled it was, and how many
# objects the process had numbered before.
PLACE = re.compile(rb"[^']*/tftransform_tmp/|_load(_\d+)+$")
NAMES = ("_class", "_gradient_op_type")  # attributes that name other nodes, or are numbered
FED = "Placeholder"  # the operation of a graph's inputs, which their names alone tell apart


def canonical(graph: Any) -> dict[str, str]:
    """A digest of the main graph, under "", and of each function by its name."""
    functions = {function.signature.name: function for function in graph.library.function}
    called = {name: _called(function.node_def) for name, function in functions.items()}
    digests: dict[str, str] = {}
    for name in TopologicalSorter(called).static_order():
        if name in functions:
            digests[name] = _of_function(functions[name], digests)
    nodes = _of_nodes(graph.node, {}, digests)
    return {**digests, "": _digest(sorted(nodes.values()))}


def canonical_objects(objects: Any, functions: Mapping[str, str]) -> list[str]:
    """The objects of a SavedModel and their functions, known by what they compute."""
    copy = type(objects)()
    copy.CopyFrom(objects)
    concrete = [
        f"{functions.get(name, name)} {function.SerializeToString(deterministic=True).hex()}"
        for name, function in copy.concrete_functions.items()
    ]
    copy.concrete_functions.clear()
    for node in copy.nodes:
        kind = node.WhichOneof("kind")
        if kind == "function":
            names = node.function.concrete_functions
            names[:] = sorted(functions.get(name, name) for name in names)
        elif kind == "bare_concrete_function":
            bare = node.bare_concrete_function
            name = bare.concrete_function_name
            bare.concrete_function_name = functions.get(name, name)
    return [copy.SerializeToString(deterministic=True).hex(), *sorted(concrete)]


def _of_function(function: Any, functions: Mapping[str, str]) -> str:
    """A function's digest: its nodes, and which of their outputs it returns in which order."""
    arguments = {arg.name: f"argument {i}" for i, arg in enumerate(function.signature.input_arg)}
    nodes = _of_nodes(function.node_def, arguments, functions)
    everything = {**arguments, **nodes}
    returned = [_input(function.ret[arg.name], everything) for arg in function.signature.output_arg]
    types = [str(arg.type) for arg in function.signature.input_arg]
    kept = sorted(nodes[name] for name in function.control_ret.values())
    return _digest([*types, *returned, *kept, *sorted(nodes.values())])


def _of_nodes(
    nodes: Iterable[Any], arguments: Mapping[str, str], functions: Mapping[str, str]
) -> dict[str, str]:
    by_name = {node.name: node for node in nodes}
    before = {name: {_node(text) for text in node.input} for name, node in by_name.items()}
    digests = dict(arguments)
    for name in TopologicalSorter(before).static_order():
        if name in by_name:
            digests[name] = _of_node(by_name[name], digests, functions)
    return {name: digests[name] for name in by_name}


def _of_node(node: Any, digests: Mapping[str, str], functions: Mapping[str, str]) -> str:
    inputs = [_input(text, digests) for text in node.input if not text.startswith("^")]
    controls = sorted(_input(text, digests) for text in node.input if text.startswith("^"))
    attributes = [
        f"{name}={_attribute(node.attr[name], functions)}"
        for name in sorted(node.attr)
        if name not in NAMES
    ]
    name = node.name if node.op == FED else ""
    return _digest([node.op, name, node.device, *attributes, *inputs, *controls])


def _attribute(value: Any, functions: Mapping[str, str]) -> str:
    """The value's bytes, with a function known by what it computes, and no table by its place."""
    kind = value.WhichOneof("value")
    if kind == "s":
        return PLACE.sub(b"", value.s).hex()
    copy = type(value)()
    copy.CopyFrom(value)
    for function in _functions(copy):
        function.name = functions.get(function.name, function.name)
    return str(copy.SerializeToString(deterministic=True).hex())


def _functions(value: Any) -> list[Any]:
    if value.HasField("func"):
        return [value.func]
    return list(value.list.func) if value.HasField("list") else []


def _called(nodes: Iterable[Any]) -> set[str]:
    names = set()
    for node in nodes:
        for value in node.attr.values():
            names |= {function.name for function in _functions(value)}
    return names


def _input(text: str, digests: Mapping[str, str]) -> str:
    """An input of the form ^node, node, node:0 or node:output:0."""
    node = _node(text)
    return f"{digests.get(node, node)}{text.removeprefix('^')[len(node) :]}"


def _node(text: str) -> str:
    name, *_ = text.removeprefix("^").split(":")
    return name


def _digest(parts: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
