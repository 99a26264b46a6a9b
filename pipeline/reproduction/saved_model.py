"""Compares two SavedModels: variables tensor by tensor, assets by their bytes, and the graph.

A graph is compared by what it computes: graphs.py says why. fingerprint.pb, which holds an id of
its own, is not compared.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from pipeline.reproduction import graphs

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # among the tensors; compared as the graph
ASSETS = ("assets", "assets.extra")


def difference(old: Path, new: Path) -> str | None:
    """The first difference, or None."""
    return _of_variables(old, new) or _of_assets(old, new) or _of_graphs(old, new)


def _of_variables(old: Path, new: Path) -> str | None:
    old_tensors, new_tensors = _tensors(old), _tensors(new)
    names = _names_of_one(old_tensors, new_tensors)
    if names:
        return f"the variable {names[0]} is in one of them alone"
    different = [
        name for name in sorted(old_tensors) if not _same(old_tensors[name], new_tensors[name])
    ]
    if not different:
        return None
    name, *_ = different
    distance = _distance(old_tensors[name], new_tensors[name])
    return f"{len(different)} of {len(old_tensors)} variables, first {name} by {distance}"


def _tensors(model: Path) -> dict[str, Any]:
    prefix = model / "variables/variables"
    if not prefix.with_name("variables.index").exists():
        return {}
    reader = tf.train.load_checkpoint(str(prefix))
    names = [name for name in reader.get_variable_to_shape_map() if name != GRAPH]
    return {name: reader.get_tensor(name) for name in names}


def _same(old: Any, new: Any) -> Any:
    """Whether both are of one type and shape, and of the same bits: NaN, too, equals itself."""
    old_array, new_array = np.asarray(old), np.asarray(new)
    if old_array.dtype != new_array.dtype or old_array.shape != new_array.shape:
        return False
    if old_array.dtype == object:
        return old_array.tolist() == new_array.tolist()
    return old_array.tobytes() == new_array.tobytes()


def _distance(old: Any, new: Any) -> str:
    old_array, new_array = np.asarray(old), np.asarray(new)
    if old_array.shape != new_array.shape:
        return f"its shape, {old_array.shape} and {new_array.shape}"
    if not np.issubdtype(old_array.dtype, np.number):
        return "its values"
    largest = np.nanmax(np.abs(old_array.astype(np.float64) - new_array.astype(np.float64)))
    return f"at most {largest:.3g}"


def _of_assets(old: Path, new: Path) -> str | None:
    old_files, new_files = _digests(old), _digests(new)
    names = _names_of_one(old_files, new_files)
    if names:
        return f"the file {names[0]} is in one of them alone"
    for name in sorted(old_files):
        if old_files[name] != new_files[name]:
            return f"the file {name} has another content"
    return None


def _digests(model: Path) -> dict[str, str]:
    files = [path for folder in ASSETS for path in (model / folder).rglob("*") if path.is_file()]
    digests = {}
    for file in files:
        content = file.read_bytes()
        digests[str(file.relative_to(model))] = hashlib.sha256(content).hexdigest()
    return digests


def _of_graphs(old: Path, new: Path) -> str | None:
    old_parts, new_parts = _graph(old), _graph(new)
    for part in [*old_parts, *new_parts]:
        if old_parts.get(part) != new_parts.get(part):
            return f"the {part} of its graph, with the same variables and files"
    return None


def _graph(model: Path) -> dict[str, Any]:
    """What is compared of the graphs: each tag's computation, signatures and objects."""
    content = (model / "saved_model.pb").read_bytes()
    saved_model = saved_model_pb2.SavedModel.FromString(content)
    parts: dict[str, Any] = {}
    for meta_graph in saved_model.meta_graphs:
        digests = graphs.canonical(meta_graph.graph_def)
        parts["operations"] = digests.pop("")
        parts["functions"] = sorted(digests.values())
        for name, signature in meta_graph.signature_def.items():
            parts[f"signature {name}"] = signature.SerializeToString(deterministic=True)
        parts["objects"] = graphs.canonical_objects(meta_graph.object_graph_def, digests)
    return parts


def _names_of_one(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    return sorted(old.keys() ^ new.keys())
