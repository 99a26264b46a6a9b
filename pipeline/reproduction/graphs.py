"""Reduces a SavedModel's graphs to what they compute.

TensorFlow lists a function's nodes in the order of a set and numbers their names accordingly
(tensorflow/python/eager/lift_to_graph.py), so that equal models have unequal bytes. A node is known
here by its operation, its attributes and its inputs, not by its name or place.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from graphlib import TopologicalSorter
from typing import Any

# Of a table's name: Transform's temporary folder, where the file that filled it was, and how many
# objects the process had numbered before.
PLACE = re.compile(rb"[^']*/tftransform_tmp/|_load(_\d+)+$")
NAMES = ("_class", "_gradient_op_type")  # attributes that name other nodes, or are numbered
FED = "Placeholder"  # the operation of a graph's inputs, which their names alone tell apart
CONTROL = "^"  # before an input that only has to be computed first

Digests = Mapping[str, str]  # by the name of a node or of a function


def canonical(graph: Any) -> dict[str, str]:
    """A digest of the main graph, under "", and of each function by its name."""
    functions = {function.signature.name: function for function in graph.library.function}
    calls = {name: _calls(function.node_def) for name, function in functions.items()}
    digests: dict[str, str] = {}
    for name in _sorted(calls):
        digests[name] = _of_function(functions[name], digests)
    nodes = _of_nodes(graph.node, {}, digests)
    main_digest = _digest(sorted(nodes.values()))
    return {**digests, "": main_digest}


def canonical_objects(objects: Any, functions: Digests) -> list[str]:
    """The objects of a SavedModel and their functions, known by what they compute."""
    copy = _copy(objects)
    concrete_functions = []
    for name, function in copy.concrete_functions.items():
        content = _bytes(function).hex()
        concrete_functions.append(f"{functions.get(name, name)} {content}")
    copy.concrete_functions.clear()
    for node in copy.nodes:
        _rename(node, functions)
    content = _bytes(copy).hex()
    return [content, *sorted(concrete_functions)]


def _rename(node: Any, functions: Digests) -> None:
    """Name the functions of an object by what they compute."""
    kind = node.WhichOneof("kind")
    if kind == "function":
        names = node.function.concrete_functions
        names[:] = sorted(functions.get(name, name) for name in names)
    elif kind == "bare_concrete_function":
        bare = node.bare_concrete_function
        name = bare.concrete_function_name
        bare.concrete_function_name = functions.get(name, name)


def _of_function(function: Any, functions: Digests) -> str:
    """A function's digest: its nodes, and which of their outputs it returns in which order."""
    signature = function.signature
    arguments = {arg.name: f"argument {i}" for i, arg in enumerate(signature.input_arg)}
    nodes = _of_nodes(function.node_def, arguments, functions)
    everything = {**arguments, **nodes}
    outputs = [function.ret[arg.name] for arg in signature.output_arg]
    returns = [_input(output, everything) for output in outputs]
    types = [str(arg.type) for arg in signature.input_arg]
    controls = sorted(nodes[name] for name in function.control_ret.values())
    return _digest([*types, *returns, *controls, *sorted(nodes.values())])


def _of_nodes(nodes: Iterable[Any], arguments: Digests, functions: Digests) -> Digests:
    by_name = {node.name: node for node in nodes}
    inputs = {name: set(map(_node, node.input)) for name, node in by_name.items()}
    digests = dict(arguments)
    for name in _sorted(inputs):
        digests[name] = _of_node(by_name[name], digests, functions)
    return {name: digests[name] for name in by_name}


def _sorted(predecessors: Mapping[str, set[str]]) -> Iterator[str]:
    """The names that have predecessors, each after those of its own."""
    for name in TopologicalSorter(predecessors).static_order():
        if name in predecessors:
            yield name


def _of_node(node: Any, digests: Digests, functions: Digests) -> str:
    inputs: list[str] = []
    controls: list[str] = []
    for text in node.input:
        group = controls if text.startswith(CONTROL) else inputs
        group.append(_input(text, digests))
    attributes = []
    for name in sorted(node.attr):
        if name not in NAMES:
            value = _attribute(node.attr[name], functions)
            attributes.append(f"{name}={value}")
    fed_name = node.name if node.op == FED else ""
    controls.sort()
    return _digest([node.op, fed_name, node.device, *attributes, *inputs, *controls])


def _attribute(value: Any, functions: Digests) -> str:
    """The value's bytes, with a function known by what it computes, and no table by its place."""
    kind = value.WhichOneof("value")
    if kind == "s":
        text = PLACE.sub(b"", value.s)
        return text.hex()
    copy = _copy(value)
    for function in _functions(copy):
        function.name = functions.get(function.name, function.name)
    return _bytes(copy).hex()


def _functions(value: Any) -> Iterable[Any]:
    if value.HasField("func"):
        return [value.func]
    if value.HasField("list"):
        return list(value.list.func)
    return []


def _calls(nodes: Iterable[Any]) -> set[str]:
    names = set()
    for node in nodes:
        for value in node.attr.values():
            names |= {function.name for function in _functions(value)}
    return names


def _copy(message: Any) -> Any:
    copy = type(message)()
    copy.CopyFrom(message)
    return copy


def _bytes(message: Any) -> bytes:
    content: bytes = message.SerializeToString(deterministic=True)
    return content


def _input(text: str, digests: Digests) -> str:
    """An input of the form ^node, node, node:0 or node:output:0."""
    node = _node(text)
    place = text.removeprefix(CONTROL)
    output = place.removeprefix(node)
    return f"{digests.get(node, node)}{output}"


def _node(text: str) -> str:
    place = text.removeprefix(CONTROL)
    name, *_ = place.split(":")
    return name


def _digest(parts: Iterable[str]) -> str:
    text = "\n".join(parts)
    return hashlib.sha256(text.encode()).hexdigest()
