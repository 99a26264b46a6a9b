"""A model that takes over while another answers: an answer is one model's, and names it."""

import asyncio
import itertools
import json
import threading
import time
from pathlib import Path

from pipeline.serving.application import Application
from pipeline.serving.loading import Model
from tests.pipeline.serving.asgi import PREDICT_ROUTE, ask

QUESTION = b'{"instances": [{}, {}]}'
SLOW_SECONDS = 0.3


class Engine:
    """An engine's part that the application knows: it answers its version."""

    serving = {"model": "cab"}

    def __init__(self, version: str, seconds: float) -> None:
        self.version = version
        self.seconds = seconds

    def signature(self, name):
        return "serving_default"

    def encode(self, instances):
        return [json.dumps([self.version, place]).encode() for place in range(len(instances))]

    def run(self, records, signature):
        time.sleep(self.seconds)
        return [[self.version, *json.loads(record)] for record in records]


def model(version: str, seconds: float = 0.0) -> Model:
    path = f"cab/{version}"
    return Model(Engine(version, seconds), Path(path), path, version * 64, is_verified=True)


def serving(first: Model) -> Application:
    application = Application(health_route="/health", predict_route=PREDICT_ROUTE)
    application.serve(first)
    return application


def test_a_request_that_has_begun_is_answered_by_the_model_that_it_began_with():
    application = serving(model("1", SLOW_SECONDS))

    async def swapped():
        answer = asyncio.create_task(ask(application, QUESTION))
        await asyncio.sleep(SLOW_SECONDS / 3)
        application.serve(model("2"))
        return await answer, await ask(application, QUESTION)

    [(_, headers, first), (_, next_headers, second)] = asyncio.run(swapped())
    assert first == {"predictions": [["1", "1", 0], ["1", "1", 1]]}
    assert headers[b"x-model-version"] == b"1"
    assert headers[b"x-model-digest"] == b"sha256:" + b"1" * 64
    assert second == {"predictions": [["2", "2", 0], ["2", "2", 1]]}
    assert next_headers[b"x-model-version"] == b"2"


def test_a_model_that_is_loaded_during_a_drain_answers_nothing():
    application = serving(model("1"))
    application.draining = True

    application.serve(model("2"))

    status, _, content = asyncio.run(ask(application, QUESTION))
    assert status == 503
    assert content == {"error": "the server is about to stop"}


def test_each_answer_is_of_the_model_in_its_headers_through_many_swaps():
    application = serving(model("0"))
    end = threading.Event()

    def swap():
        while not end.is_set():
            for version in "123456789":
                application.serve(model(version, 0.001))
                time.sleep(0.002)

    async def asked():
        return [await ask(application, QUESTION) for _ in range(300)]

    async def all_asked():
        clients = [asked() for _ in range(8)]
        return await asyncio.gather(*clients)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        clients_exchanges = asyncio.run(all_asked())
    finally:
        end.set()
        thread.join()

    exchanges = list(itertools.chain(*clients_exchanges))
    foreign = []
    for status, headers, content in exchanges:
        version = headers[b"x-model-version"].decode()
        predictions = [[version, version, 0], [version, version, 1]]
        if status != 200 or content != {"predictions": predictions}:
            foreign.append((status, version, content))
    assert foreign == []
    assert len({headers[b"x-model-version"] for _, headers, _ in exchanges}) > 3
