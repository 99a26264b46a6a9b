"""An endpoint's log in the stand-in: what is logged, where, and what no document says."""

import json

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

PLACE = "vertex_ai/v1/projects/p/locations/us-central1"
DATASETS = "big_query/bigquery/v2/projects/p/datasets"
TABLES = f"{DATASETS}/log/tables"
TABLE = {"tableReference": {"tableId": "cab"}}


def serve(google: GoogleApis, *, rate: float = 1, dataset: bool = True) -> None:
    """An endpoint that logs to p.log.cab, with one deployed model."""
    if dataset:
        ask(google, "POST", DATASETS, {"datasetReference": {"datasetId": "log"}})
    destination = {"outputUri": "bq://p.log.cab"}
    logging = {"enabled": True, "samplingRate": rate, "bigqueryDestination": destination}
    endpoint = {"predictRequestResponseLoggingConfig": logging}
    ask(google, "POST", f"{PLACE}/endpoints?endpointId=7", endpoint)
    ask(google, "POST", f"{PLACE}/models:upload", {"model": {}, "modelId": "cab"})
    model = {"model": "projects/p/locations/us-central1/models/cab"}
    ask(google, "POST", f"{PLACE}/endpoints/7:deployModel", {"deployedModel": model})


def predict(google: GoogleApis, **fields: object) -> int:
    body = {"instances": [{"fare": 1}], **fields}
    status, _ = ask(google, "POST", f"{PLACE}/endpoints/7:predict", body)
    return status


def rows(google: GoogleApis) -> list[dict]:
    query = {"query": "SELECT TO_JSON_STRING(t) FROM `p.log.cab` AS t"}
    _, answer = ask(google, "POST", "big_query/bigquery/v2/projects/p/queries", query)
    texts = [row["f"][0]["v"] for row in answer.get("rows", [])]
    return [json.loads(text) for text in texts]


def test_a_request_is_a_row_with_a_text_for_each_instance(google):
    serve(google)

    predict(google)

    [row] = rows(google)
    assert row["endpoint"] == "7"
    assert row["request_payload"] == ['{"fare": 1}']


@pytest.mark.parametrize(("rate", "count"), [(1, 10), (0.5, 5), (0.1, 1)])
def test_a_share_of_the_requests_is_logged(google, rate, count):
    serve(google, rate=rate)

    for _ in range(10):
        predict(google)

    assert len(rows(google)) == count


def test_without_a_dataset_the_endpoint_answers_and_nothing_is_logged(google):
    serve(google, dataset=False)

    status = predict(google)

    assert status == 200
    assert rows(google) == []


def test_a_table_s_rows_go_with_it(google):
    serve(google)
    predict(google)

    ask(google, "DELETE", f"{TABLES}/cab")
    predict(google)

    assert len(rows(google)) == 1


@pytest.mark.parametrize(("taken", "count"), [(True, 1), (False, 0)])
def test_a_table_made_before_is_taken_or_not(google, taken, count):
    serve(google)
    ask(google, "POST", TABLES, TABLE)
    google.unknowns.takes_older_table = taken

    predict(google)

    assert len(rows(google)) == count


@pytest.mark.parametrize(("logged", "count"), [(True, 1), (False, 0)])
def test_a_refused_request_is_logged_or_not(google, logged, count):
    serve(google)
    google.answers["1"] = lambda _: (400, {"error": "no"})
    google.unknowns.logs_errors = logged

    status = predict(google)

    assert status == 400
    assert len(rows(google)) == count


def test_another_query_is_no_business_of_the_stand_in(google):
    query = {"query": "SELECT 1"}

    status, _ = ask(google, "POST", "big_query/bigquery/v2/projects/p/queries", query)

    assert status == 501
