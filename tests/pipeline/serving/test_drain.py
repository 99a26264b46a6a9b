"""The end of a server that is told to stop while it answers."""

import asyncio
import itertools
import json
import signal
import sys
import threading
import time

import pytest

from pipeline.errors import ConfigurationError
from pipeline.serving import server
from tests.load import open_loop
from tests.pipeline.serving.server_process import SECONDS, started


def test_what_was_asked_before_the_signal_is_answered():
    requests = itertools.repeat(open_loop.request({"instances": [{}] * 50}))
    exchanges = []

    def offer(port):
        exchanges.extend(asyncio.run(open_loop.offer(port, 100, 1.5, requests)).all)

    with started(sys.executable, "-m", "tests.load.slowed_server") as process:
        thread = threading.Thread(target=offer, args=[process.port])
        thread.start()
        time.sleep(0.8)
        signalled = time.monotonic()
        exit_code = process.end(signal.SIGTERM)
        seconds = time.monotonic() - signalled
        thread.join()

    # One that is sent in the moment of the signal may be told 503.
    early = [exchange for exchange in exchanges if exchange.due < signalled - 0.1]
    statuses = {exchange.status for exchange in early}
    assert len(early) > 20
    assert statuses == {200}
    assert exit_code == 0
    assert seconds < 3


def test_a_slow_answer_is_waited_for():
    body = json.dumps({"instances": [{"x": "slow"}]})
    batch_seconds = 3
    with started(sys.executable, "-m", "tests.load.slowed_server", batch_seconds) as process:
        connection = process.connection()
        connection.request("POST", "/predict", body)
        time.sleep(0.3)
        process.popen.send_signal(signal.SIGTERM)

        response = connection.getresponse()

        answer = json.loads(response.read())
        assert response.status == 200
        assert answer == {"predictions": ["slow"]}
        assert process.popen.wait(SECONDS) == 0


def test_vertex_s_server_ends_before_it_is_killed():
    options = server.container({"AIP_STORAGE_URI": "model"})

    assert options["drain_seconds"] == 29


def test_another_platform_says_how_long_a_drain_may_be():
    options = server.container({"AIP_STORAGE_URI": "model", "ESTEIRA_DRAIN_SECONDS": "8"})

    assert options["drain_seconds"] == 8


@pytest.mark.parametrize("seconds", ["", "-1", "soon", "8.5", "0", "3601", "9" * 9999])
def test_a_drain_that_is_no_number_is_refused(seconds):
    variables = {"AIP_STORAGE_URI": "model", "ESTEIRA_DRAIN_SECONDS": seconds}

    with pytest.raises(
        ConfigurationError, match=f"ESTEIRA_DRAIN_SECONDS is '{seconds[:80]}', allowed"
    ):
        server.container(variables)


@pytest.mark.parametrize("seconds", [0, -1, 3601, float("nan"), float("inf")])
def test_a_drain_out_of_bounds_is_refused(seconds):
    with pytest.raises(
        ConfigurationError, match=r"the time to drain is .+ s, allowed are 1 to 3600"
    ):
        server.serve("model", drain_seconds=seconds)
