"""An endpoint's log of requests and answers in BigQuery, and the one query that reads it.

The columns are those of
https://cloud.google.com/vertex-ai/docs/predictions/online-prediction-logging; sampling is exact,
without chance. What no document says is `Unknowns`. Without a dataset nothing is logged.
"""

import json
import re
import time
from typing import NamedTuple

from tests.standins.google.error import RefusedError
from tests.standins.google.store import Body, Call, Key, Store, now

TABLE = re.compile(r"bq://([\w-]+)\.(\w+)\.(\w+)")
QUERY = re.compile(r"SELECT TO_JSON_STRING\(t\) FROM `([\w-]+)\.(\w+)\.(\w+)` AS t")
PARTITIONS = {"type": "DAY", "field": "logging_time"}


class Row(NamedTuple):
    due: float  # since the epoch; nobody sees it before
    content: Body


def log(store: Store, deployed: Body, call: Call, status: int) -> None:
    """Log a request, if its endpoint does."""
    endpoint = store.get(call.key)
    config = endpoint.get("predictRequestResponseLoggingConfig", {})
    if not config.get("enabled"):
        return
    is_sampled = _is_sampled(store, call.key, config["samplingRate"])
    is_logged = status == 200 or store.unknowns.logs_errors
    if not (is_sampled and is_logged):
        return
    destination = config["bigqueryDestination"]
    key = _table(store, destination["outputUri"])
    if key is None:
        return
    content = {
        "endpoint": call.key.id,
        "deployed_model_id": deployed["id"],
        "logging_time": now(),
        "request_id": next(store.numbers) if store.unknowns.unique_request_ids else 1,
        "request_payload": _payload(store, call.body),
        "response_payload": [],
    }
    due = time.time() + store.unknowns.log_delay_seconds
    store.log_rows[key].append(Row(due, content))


def query(store: Store, call: Call) -> Body:
    """The rows of a table, each as a JSON text."""
    match = QUERY.fullmatch(call.body["query"])
    if match is None:
        raise RefusedError(501, f"the stand-in reads log tables alone, got {call.body['query']}")
    project, dataset, table = match.groups()
    key = Key("big_query", f"projects/{project}/datasets/{dataset}/tables/{table}")
    store.get(key)
    instant = time.time()
    contents = [row.content for row in store.log_rows.get(key, []) if row.due <= instant]
    texts = map(json.dumps, contents)
    rows = [{"f": [{"v": text}]} for text in texts]
    return {"jobComplete": True, "rows": rows}


def _is_sampled(store: Store, endpoint: Key, rate: float) -> bool:
    store.asked[endpoint] += 1
    count = store.asked[endpoint]
    return int(count * rate) > int((count - 1) * rate)


def _table(store: Store, address: str) -> Key | None:
    """The log table, made if it is not there; None where Vertex can't log."""
    match = TABLE.fullmatch(address)
    if match is None:
        raise RefusedError(400, f"{address} is no bq://PROJECT.DATASET.TABLE")
    project, dataset_id, table = match.groups()
    dataset = Key("big_query", f"projects/{project}/datasets/{dataset_id}")
    key = Key("big_query", f"{dataset.name}/tables/{table}")
    if dataset not in store.objects:
        return None
    if key not in store.objects:
        partitions = {"timePartitioning": PARTITIONS} if store.unknowns.log_is_partitioned else {}
        store.create(key, {"type": "TABLE", **partitions})
        store.log_rows[key] = []
    elif key not in store.log_rows:
        if not store.unknowns.takes_older_table:
            return None
        store.log_rows[key] = []
    return key


def _payload(store: Store, request: Body) -> list[str]:
    instances = request["instances"]
    if not store.unknowns.logs_row_keys:
        instances = [_without_reserved(instance) for instance in instances]
    parts = list(instances)
    if store.unknowns.logs_parameters:
        parts.append({"parameters": request.get("parameters")})
    return [json.dumps(part) for part in parts]


def _without_reserved(instance: Body) -> Body:
    return {name: value for name, value in instance.items() if not name.startswith("_")}
