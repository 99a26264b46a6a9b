"""Compares two SavedModels: variables tensor by tensor, assets by their bytes, and the graph.

A graph is compared by what it computes: graphs.py says why. fingerprint.pb, which holds an id of
its own, is not compared.
"""

import hashlib
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

from pipeline.reproduction import graphs

GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # among the tensors; compared as the graph
ASSETS = ("assets", "assets.extra")

Tensor = Any  # an array of NumPy
Parts = dict[str, Any]  # of a model, by name


def difference(old: Path, new: Path) -> str | None:
    """The first difference, or None."""
    return _of_variables(old, new) or _of_assets(old, new) or _of_graphs(old, new)


def _of_variables(old: Path, new: Path) -> str | None:
    old_tensors, new_tensors = _tensors(old), _tensors(new)
    single_name = _name_of_one(old_tensors, new_tensors)
    if single_name:
        return f"the variable {single_name} is in one of them alone"
    changed_names = []
    for name, tensor in sorted(old_tensors.items()):
        if not _same(tensor, new_tensors[name]):
            changed_names.append(name)
    if not changed_names:
        return None
    name, *_ = changed_names
    distance = _distance(old_tensors[name], new_tensors[name])
    count = len(changed_names)
    return f"{count} of {len(old_tensors)} variables, first {name} by {distance}"


def _tensors(model: Path) -> Parts:
    prefix = model / "variables/variables"
    index = prefix.with_name("variables.index")
    if not index.exists():
        return {}
    reader = tf.train.load_checkpoint(str(prefix))
    shapes = reader.get_variable_to_shape_map()
    tensors = {name: np.asarray(reader.get_tensor(name)) for name in shapes}
    tensors.pop(GRAPH, None)
    return tensors


def _same(old: Tensor, new: Tensor) -> bool:
    """Whether both are of one type and shape, and of the same bits: NaN, too, equals itself."""
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        return False
    if old.dtype == object:
        old, new = old.tolist(), new.tolist()
    else:
        old, new = old.tobytes(), new.tobytes()
    is_same: bool = old == new
    return is_same


def _distance(old: Tensor, new: Tensor) -> str:
    if old.shape != new.shape:
        return f"its shape, {old.shape} and {new.shape}"
    if not np.issubdtype(old.dtype, np.number):
        return "its values"
    old_values, new_values = old.astype(np.float64), new.astype(np.float64)
    distances = np.abs(old_values - new_values)
    largest = np.nanmax(distances)
    return f"at most {largest:.3g}"


def _of_assets(old: Path, new: Path) -> str | None:
    old_files, new_files = _digests(old), _digests(new)
    single_name = _name_of_one(old_files, new_files)
    if single_name:
        return f"the file {single_name} is in one of them alone"
    for name, digest in sorted(old_files.items()):
        if new_files[name] != digest:
            return f"the file {name} has another content"
    return None


def _digests(model: Path) -> Parts:
    folders = [model / name for name in ASSETS]
    paths = itertools.chain.from_iterable(folder.rglob("*") for folder in folders)
    files = filter(Path.is_file, paths)
    return {file.relative_to(model).as_posix(): _sha256(file) for file in files}


def _sha256(file: Path) -> str:
    content = file.read_bytes()
    return hashlib.sha256(content).hexdigest()


def _of_graphs(old: Path, new: Path) -> str | None:
    old_parts, new_parts = _graph(old), _graph(new)
    for part in old_parts | new_parts:
        if old_parts.get(part) != new_parts.get(part):
            return f"the {part} of its graph, with the same variables and files"
    return None


def _graph(model: Path) -> Parts:
    """What is compared of the graphs: each tag's computation, signatures and objects."""
    file = model / "saved_model.pb"
    content = file.read_bytes()
    saved_model = saved_model_pb2.SavedModel.FromString(content)
    parts: Parts = {}
    for meta_graph in saved_model.meta_graphs:
        digests = graphs.canonical(meta_graph.graph_def)
        parts["operations"] = digests.pop("")
        parts["functions"] = sorted(digests.values())
        for name, signature in meta_graph.signature_def.items():
            content = signature.SerializeToString(deterministic=True)
            parts[f"signature {name}"] = content
        objects = meta_graph.object_graph_def
        parts["objects"] = graphs.canonical_objects(objects, digests)
    return parts


def _name_of_one(old: Parts, new: Parts) -> str | None:
    """The first name that only one of them has."""
    names = old.keys() ^ new.keys()
    return min(names, default=None)
