"""What the application keeps of the requests that are logged."""

import asyncio
import gc
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.serving.application import Application
from pipeline.serving.loading import Model
from pipeline.serving.request_log.queue import RequestLog
from tests.load.slowed_server import SlowedEngine
from tests.pipeline.serving.asgi import PREDICT_ROUTE, ask

REQUESTS = 50
QUESTION = json.dumps({"instances": [{}] * 1000}).encode()


class Nowhere:
    """A table that can't be reached."""

    name = "demo.log.requests"

    def connect(self):
        raise ConnectionError("no route")


@pytest.fixture
def log(tmp_path: Path) -> Iterator[RequestLog]:
    log = RequestLog(Nowhere(), tmp_path / "spool", sampling_rate=1, flush_seconds=60)
    yield log
    log.stop(0)


@pytest.fixture
def application(log: RequestLog) -> Application:
    application = Application(health_route="/health", predict_route=PREDICT_ROUTE)
    path = "slowed/1"
    model = Model(SlowedEngine(0), Path(path), path, "0" * 64, is_verified=True)
    application.serve(model)
    application.log_to(log)
    return application


def asked(application: Application, questions: int) -> None:
    async def all_asked():
        for _ in range(questions):
            body = bytes(bytearray(QUESTION))  # each has its own
            await ask(application, body)

    asyncio.run(all_asked())


def test_a_logged_request_holds_its_bytes_and_no_values(application: Application, log: RequestLog):
    asked(application, 1)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()

    asked(application, REQUESTS)
    gc.collect()

    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    answer = json.dumps({"predictions": [""] * 1000}, separators=(",", ":"))
    size = len(QUESTION) + len(answer)
    assert log.ledger.count().queued == REQUESTS + 1
    assert after - before < 1.5 * REQUESTS * size
