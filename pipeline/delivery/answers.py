"""Which of a deployed model's answers are errors of its own.

Cloud Monitoring's response_count has one series for each hundred of codes, and counts requests
(https://docs.cloud.google.com/monitoring/api/metrics_gcp_a_b#gcp-aiplatform). prediction_count is
no whole that errors are a share of: "If you have more than one instance per request, each instance
is counted" (https://docs.cloud.google.com/vertex-ai/docs/general/monitoring-metrics).
"""

from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

from pipeline.gcp.endpoints import Endpoint, counts

# before a step: at the last one the version before answers nothing any more
LOOKBACK = timedelta(hours=1)


class Answers(NamedTuple):
    requests: int
    errors: float


def answers(endpoint: Endpoint, new: str, old: str, began: datetime) -> Answers:
    """Count the requests that `new` has answered since `began`, and the errors among them.

    An error is any answer but 2xx. Of 4xx as many are the callers' as `old` has by its share: a
    caller's 400 is no error of the version, a request that `new` alone refuses is one.
    """
    by_code = _by_code(endpoint, new, began)
    requests = by_code.total()
    failures = requests - by_code["2xx"]
    usual_share = _refused_share(endpoint, old, began - LOOKBACK)
    callers_own = min(by_code["4xx"], usual_share * requests)
    return Answers(requests, failures - callers_own)


def _refused_share(endpoint: Endpoint, id_: str, began: datetime) -> float:
    by_code = _by_code(endpoint, id_, began)
    requests = by_code.total()
    return by_code["4xx"] / requests if requests else 0.0


def _by_code(endpoint: Endpoint, id_: str, began: datetime) -> Counter[str]:
    return counts(endpoint, id_, began, "response_count", by="response_code")
