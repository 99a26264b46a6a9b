"""The median milliseconds of one row by TF1's Session.make_callable, and nothing around it.

`python -m tests.bench.serving.bare MODEL` prints them.
"""

import statistics
import sys
import time

import numpy as np
import tensorflow as tf

from pipeline.serving.engine import Engine

CALLS = 2000


def main(model: str) -> None:
    engine = Engine(model)
    [record] = engine.encode([engine.sample])
    records = np.array([record], dtype=object)
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        graph = tf.compat.v1.saved_model.load(session, ["serve"], model)
    signature = graph.signature_def[engine.signature(None)]
    outputs = [output.name for output in signature.outputs.values()]
    call = session.make_callable(outputs, [signature.inputs["examples"].name])
    durations = []
    for _ in range(CALLS):
        start = time.perf_counter()
        call(records)
        durations.append(time.perf_counter() - start)
    print(1000 * statistics.median(durations))


if __name__ == "__main__":
    main(sys.argv[1])
