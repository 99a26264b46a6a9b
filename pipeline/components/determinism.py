"""Makes a training the same each time: seeds, TensorFlow's deterministic operations, facts.

A model's own seed, set in its run_fn, stays: this one is for what it forgot.
"""

import contextlib
import os
import platform
from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
from tensorflow.python.framework import config

from pipeline.components.flags import FLAGS

SEED = 20_261_128
CPU_FILE = "/proc/cpuinfo"


@contextlib.contextmanager
def applied(operations: bool) -> Iterator[None]:
    """Seed all generators; with `operations` have each of TensorFlow's add in one order.

    tensorflow.org/api_docs/python/tf/config/experimental/enable_op_determinism. It holds for the
    process: it is taken back, since the nodes after the Trainer need no seeds.
    """
    keras.utils.set_random_seed(SEED)
    if operations:
        config.enable_op_determinism()
    try:
        yield
    finally:
        config.disable_op_determinism()


def facts(operations: bool) -> dict[str, Any]:
    """What decides about a training's arithmetic beside code, data and packages."""
    threads = {
        "intra_op": tf.config.threading.get_intra_op_parallelism_threads(),  # 0: one a processor
        "inter_op": tf.config.threading.get_inter_op_parallelism_threads(),
    }
    flags = {name: os.environ[name] for name in FLAGS if name in os.environ}
    return {
        "seed": SEED,
        "deterministic_operations": operations,
        "cpu": _cpu(),
        "cpus": os.process_cpu_count() or 1,
        "threads": threads,
        "flags": flags,
    }


def _cpu() -> str:
    """The processor's name, its architecture where Linux tells none."""
    with contextlib.suppress(OSError), open(CPU_FILE, encoding="utf-8") as lines:
        for line in lines:
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()
