"""A server's request log: a queue in memory, flushed to disk and sent from there."""

import random
import threading
import time
from pathlib import Path

from pipeline.serving.request_log.entry import Entry
from pipeline.serving.request_log.ledger import Ledger
from pipeline.serving.request_log.sender import Sender, Table
from pipeline.serving.request_log.spool import Spool, in_segments
from pipeline.serving.request_log.trouble import Trouble

FLUSH_SECONDS = 1.0
QUEUE_BYTES = 32 * 2**20
SPOOL_BYTES = 256 * 2**20
ROW_BYTES = 10_000_000  # Vertex logs no larger row


class RequestLog:
    """Samples answered requests; the event loop adds them, threads do the slow work."""

    def __init__(
        self,
        table: Table,
        folder: Path,
        *,
        sampling_rate: float,
        flush_seconds: float = FLUSH_SECONDS,
        queue_bytes: int = QUEUE_BYTES,
        spool_bytes: int = SPOOL_BYTES,
        seed: int | None = None,
    ) -> None:
        self.sampling_rate = sampling_rate
        self._random = random.Random(seed)
        self._spool = Spool(folder)
        self.ledger = Ledger(self._spool.segments, sampling_rate)
        self._sender = Sender(table, self.ledger)
        self._flush_seconds = flush_seconds
        self._queue_bytes = queue_bytes
        self._spool_bytes = spool_bytes
        self._full_disk = Trouble(f"{folder}: logged requests can be kept again")
        self._lock = threading.Lock()  # of the two below
        self._queue: list[Entry] = []
        self._size = 0  # bytes of the queue's entries
        self._stopping = threading.Event()
        self._flusher = threading.Thread(target=self._work, name="log-flusher", daemon=True)

    def start(self) -> None:
        """Start to flush and send, after the server is ready: it would wait otherwise."""
        self._flusher.start()
        self._sender.start()

    def samples(self, deployed_model_id: str) -> bool:
        """Draw whether a request that this version answered is logged.

        Once each, before anything of it is kept.
        """
        self.ledger.answers.add(deployed_model_id)
        return self._random.random() < self.sampling_rate

    def add(self, entry: Entry) -> None:
        self.ledger.queue()
        with self._lock:
            fits = self._size + entry.size <= self._queue_bytes
            if fits:
                self._queue.append(entry)
                self._size += entry.size
        if not fits:
            self.ledger.drop_queued(1, "queue_full")

    def stop(self, seconds: float) -> None:
        """Flush the queue to disk, and send rows for at most these seconds."""
        deadline = time.monotonic() + seconds
        self._stopping.set()
        if self._flusher.is_alive():
            self._flusher.join(seconds)
            self._sender.stop(deadline)
        else:  # told to stop before it was started
            self._flush()
        self._spool.close()

    def _work(self) -> None:
        while not self._stopping.wait(self._flush_seconds):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        with self._lock:
            entries, self._queue = self._queue, []
            self._size = 0
        lines = (line for entry in entries if (line := self._line(entry)))
        for share in in_segments(lines):
            self._to_disk(share)
        for segment in self.ledger.drop_oldest(self._spool_bytes):
            segment.remove()

    def _line(self, entry: Entry) -> bytes | None:
        """The entry's row; None if it is dropped."""
        try:
            line = entry.line()
        except (TypeError, ValueError, KeyError):  # one row must not end the thread
            self.ledger.drop_queued(1, "unencodable")
            return None
        if len(line) > ROW_BYTES:
            self.ledger.drop_queued(1, "too_large")
            return None
        return line

    def _to_disk(self, lines: list[bytes]) -> None:
        try:
            segment = self._spool.write(lines)
        except OSError as error:
            self.ledger.drop_queued(len(lines), "disk")
            kind = type(error).__name__
            sentence = (
                f"logged requests are lost, since they can't be kept: {error.strerror or error}"
            )
            self._full_disk.begin(kind, sentence)
            return
        self._full_disk.end()
        self.ledger.spool(segment)
