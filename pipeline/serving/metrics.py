"""The server's counts of itself, in Prometheus' form."""

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Histogram,
    Info,
    generate_latest,
)

CONTENT_TYPE = CONTENT_TYPE_LATEST
SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)  # a row takes about 1 ms


class Metrics:
    """The metrics of prediction requests alone.

    Requests for health or metrics would only thin out the errors.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "esteira_requests",
            "Prediction requests by the status they were answered with",
            ["status"],
            registry=self.registry,
        )
        self._seconds = Histogram(
            "esteira_request_seconds",
            "From a request's head to its answer",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._instances = Counter("esteira_instances", "Instances answered", registry=self.registry)
        self._model = Info("esteira_model", "The model that answers", registry=self.registry)

    def serves(self, *, model: str, version: str, path: str) -> None:
        self._model.info({"model": model, "version": version, "path": path})

    def answered(self, status: int, seconds: float, instances: int) -> None:
        self._requests.labels(status).inc()
        self._seconds.observe(seconds)
        self._instances.inc(instances)

    def text(self) -> bytes:
        return bytes(generate_latest(self.registry))
