"""What a standalone server says it answered, at its /metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit

from pipeline.errors import ConfigurationError, RunError
from settings.values import cut, shown

SECONDS = 10
ROUTE = "/metrics"


@dataclass(frozen=True)
class ServerMetrics:
    """`answered` is by deployed model and day; a server knows the days of its own process."""

    sampling_rate: float
    answered: Mapping[tuple[str, date], float]

    def days(self, id_: str, begin: date, end: date) -> dict[date, float]:
        """Answered requests of those days of a window that the server counts."""
        return {
            day: count
            for (answering_id, day), count in self.answered.items()
            if answering_id == id_ and begin <= day <= end
        }


def read(url: str) -> ServerMetrics:
    """Ask the server at http://HOST:PORT.

    Raises ConfigurationError for another address, RunError where it does not answer so.
    """
    address = _address(url)
    return _parsed(_text(address), address)


def _address(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that opens no address
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise ConfigurationError(f"--server is {shown(url)}, allowed is http://HOST:PORT")
    return f"{parts.scheme}://{parts.netloc}{ROUTE}"


def _text(address: str) -> str:
    import requests

    try:
        response = requests.get(address, timeout=SECONDS)
        response.raise_for_status()
    except requests.RequestException as error:
        reason = cut(str(error), 120)
        raise RunError(f"--server: {address} does not answer ({reason})") from error
    text: str = response.text
    return text


def _parsed(text: str, address: str) -> ServerMetrics:
    from prometheus_client.parser import text_string_to_metric_families

    rate: float | None = None
    answered: dict[tuple[str, date], float] = {}
    try:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == "esteira_sampling_rate":
                    rate = sample.value
                elif sample.name == "esteira_answered_total":
                    day = date.fromisoformat(sample.labels["day"])
                    answered[sample.labels["deployed_model_id"], day] = sample.value
    except (ValueError, KeyError) as error:
        raise RunError(f"--server: {address} answers with no metrics of a server") from error
    if rate is None:
        raise RunError(
            f"--server: {address} tells of no request log: "
            "`python3 -m pipeline serve MODEL --request-log` serves with one"
        )
    return ServerMetrics(rate, answered)
