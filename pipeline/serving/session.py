"""The signatures of a SavedModel, as callables of a TF1 session.

A session answers a row in half the time of TF2's restored functions. It also needs a third of
TensorFlow's Python, which takes two seconds to import. Every reach into TensorFlow's inside is in
this file: it ends when `import tensorflow` is fast and a public function makes a callable with
RunOptions.
"""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from pipeline.errors import ConfigurationError

INPUT = "examples"
INITIALIZER = "__saved_model_init_op"  # TensorFlow's own entry among the signatures
IN_THE_CALLERS_THREAD = -1

Outputs = dict[str, Any]  # numpy arrays by name, in the order of the names
Signature = Callable[[list[bytes]], Outputs]  # of serialized tf.Examples


def import_no_more() -> None:
    """Let this process have no more of TensorFlow than a session takes.

    For programs that do nothing else with it: `import tensorflow` holds no names afterwards.
    """
    if "tensorflow" not in sys.modules:
        spec = importlib.util.find_spec("tensorflow")
        assert spec
        # Its __init__, which imports all else, is not run.
        sys.modules["tensorflow"] = importlib.util.module_from_spec(spec)
    for module in ("client.session", "saved_model.loader_impl"):
        importlib.import_module(f"tensorflow.python.{module}")


def load(folder: str) -> dict[str, Signature]:
    """The signatures by name; raises ConfigurationError for one without tf.Examples as input."""
    from tensorflow.core.protobuf import config_pb2
    from tensorflow.python.client import session
    from tensorflow.python.framework import ops
    from tensorflow.python.saved_model import loader_impl

    config = config_pb2.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    active = session.Session(graph=ops.Graph(), config=config)
    loader = loader_impl.SavedModelLoader(folder)
    graph = loader.load(active, ["serve"])
    definitions = dict(graph.signature_def)
    definitions.pop(INITIALIZER, None)
    return {name: _signature(active, name, definition) for name, definition in definitions.items()}


def _signature(active: Any, name: str, definition: Any) -> Signature:
    from tensorflow.core.protobuf import config_pb2

    inputs = sorted(definition.inputs)
    if inputs != [INPUT]:
        names = ", ".join(inputs)
        raise ConfigurationError(f"the signature {name} takes {names}, allowed is {INPUT} alone")
    outputs = sorted(definition.outputs)
    options = config_pb2.CallableOptions(
        feed=[definition.inputs[INPUT].name],
        fetch=[definition.outputs[output].name for output in outputs],
    )
    options.run_options.inter_op_thread_pool = IN_THE_CALLERS_THREAD
    run = active._make_callable_from_options(options)

    def answer(records: list[bytes]) -> Outputs:
        # As objects: numpy's own strings end at their last byte that is not 0.
        tensors = run(np.array(records, dtype=object))
        return dict(zip(outputs, tensors, strict=True))

    return answer
