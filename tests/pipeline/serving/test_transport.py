"""An answer's head and body leave together."""

import asyncio

from pipeline.serving.transport import JoiningTransport


class Socket:
    """The transport below: what was written until it was closed."""

    def __init__(self):
        self.writes = []
        self.closed = False

    def write(self, data):
        if not self.closed:
            self.writes.append(data)

    def close(self):
        self.closed = True

    def is_closing(self):
        return self.closed


def after(use):
    """The transport below, a turn of the event loop after `use` of the joining one."""
    socket = Socket()

    async def turn():
        use(JoiningTransport(socket, asyncio.get_running_loop()))
        await asyncio.sleep(0)

    asyncio.run(turn())
    return socket


def test_what_is_written_in_a_turn_is_one_write():
    def answer(transport):
        transport.write(b"head ")
        transport.write(b"body")

    socket = after(answer)

    assert socket.writes == [b"head body"]


def test_a_close_loses_nothing():
    def answer(transport):
        transport.write(b"head ")
        transport.write(b"body")
        transport.close()

    socket = after(answer)

    assert socket.writes == [b"head body"]
    assert socket.closed


def test_all_else_is_asked_of_the_transport_below():
    def answer(transport):
        transport.close()
        assert transport.is_closing()

    socket = after(answer)

    assert socket.writes == []
