"""A server whose model takes 20 ms for a batch and needs no TensorFlow.

    python -m tests.load.slowed_server [SECONDS]

It answers each instance with its feature x as a text. `x = "fails"` fails a batch, `x = "waits"`
keeps the model for a second.
"""

import sys
import time
from pathlib import Path
from typing import Any

from pipeline.serving import server
from pipeline.serving.application import Application
from pipeline.serving.loading import Model
from pipeline.serving.waiting import Answers

SECONDS = 0.02


class SlowedEngine:
    """An engine's part that the application knows."""

    serving = {"model": "slowed"}

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def signature(self, name: str | None) -> str:
        return name or "serving_default"

    def encode(self, instances: list[Any]) -> list[bytes]:
        return [str(instance.get("x", "")).encode() for instance in instances]

    def run(self, records: list[bytes], signature: str) -> Answers:
        time.sleep(self.seconds)
        answers = [record.decode() for record in records]
        if "waits" in answers:
            time.sleep(1)
        if "fails" in answers:
            raise ValueError("the model fails")
        return answers


def main(seconds: float) -> None:
    application = Application(health_route="/health", predict_route="/predict")
    model = Model(SlowedEngine(seconds), Path("slowed/1"), "slowed/1", "0" * 64, is_verified=True)
    application.serve(model)
    listener = server.listen("127.0.0.1", 0)
    port = listener.getsockname()[1]
    print(f"http://127.0.0.1:{port}/predict answers 503 never; it is ready", flush=True)
    server.Server(application, server.DRAIN_SECONDS).run(sockets=[listener])


if __name__ == "__main__":
    arguments = [float(argument) for argument in sys.argv[1:]]
    main(*arguments or [SECONDS])
