"""The server's counts of itself, in Prometheus' form."""

from collections.abc import Callable

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Info,
    generate_latest,
)

from pipeline.serving.loading import Model
from pipeline.serving.waiting import REASONS

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # a row takes about 1 ms
RECORDS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1000)


class Metrics:
    """The metrics of prediction requests alone.

    Requests for health or metrics would only thin out the errors.
    """

    def __init__(self, *, depth: Callable[[], float], age: Callable[[], float]) -> None:
        """`depth` and `age` are the queue's, asked at each scrape."""
        self.registry = CollectorRegistry()
        registry = self.registry
        self._requests = Counter(
            "esteira_requests",
            "Prediction requests by signature, empty where it is not known, and status",
            ["signature", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "esteira_request_seconds",
            "From a request's head to its answer",
            buckets=SECONDS,
            registry=registry,
        )
        self._instances = Counter("esteira_instances", "Instances answered", registry=registry)
        self._model = Info("esteira_model", "The model that answers", registry=registry)
        self._refused_versions = Counter(
            "esteira_refused_versions",
            "Published versions that could not be served, so that the old one serves on",
            registry=registry,
        )
        self._batches = Histogram(
            "esteira_batch_records",
            "Records that the model was asked at once",
            buckets=RECORDS,
            registry=registry,
        )
        self._shed = _shed_by_reason(registry)
        waiting = Gauge("esteira_queue_records", "Records that wait", registry=registry)
        waiting.set_function(depth)
        oldest = Gauge("esteira_queue_seconds", "How long the oldest has waited", registry=registry)
        oldest.set_function(age)
        # A counter's child is looked up under a lock, which each request would wait for.
        self._requests_by_label: dict[tuple[str, int], Counter] = {}

    def serves(self, model: Model) -> None:
        version = {"version": model.version, "digest": model.digest, "path": model.path}
        version["verified"] = "yes" if model.is_verified else "no"
        self._model.info({"model": model.name, **version})

    def refused_version(self) -> None:
        self._refused_versions.inc()

    def answered(self, signature: str, status: int, seconds: float, instances: int) -> None:
        label = (signature, status)
        requests = self._requests_by_label.get(label)
        if requests is None:
            requests = self._requests.labels(*label)
            self._requests_by_label[label] = requests
        requests.inc()
        self._seconds.observe(seconds)
        if instances:
            self._instances.inc(instances)

    def ran(self, records: int) -> None:
        self._batches.observe(records)

    def shed(self, reason: str) -> None:
        self._shed[reason].inc()

    def text(self) -> bytes:
        return bytes(generate_latest(self.registry))


def _shed_by_reason(registry: CollectorRegistry) -> dict[str, Counter]:
    shed = Counter(
        "esteira_shed",
        "Requests that the model was not asked, by reason",
        ["reason"],
        registry=registry,
    )
    return {reason: shed.labels(reason) for reason in REASONS}
