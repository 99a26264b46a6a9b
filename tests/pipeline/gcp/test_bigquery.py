"""A refusal of BigQuery's is one sentence about what was asked."""

import pytest
from google.api_core import exceptions

from pipeline.errors import RunError
from pipeline.gcp import bigquery

REFUSAL = "Not found: Dataset demo:log was not found in location US"


@pytest.mark.parametrize(
    "message", [REFUSAL, f"{REFUSAL}; reason: notFound, message: {REFUSAL}", f"{REFUSAL}\n\nJob: 1"]
)
def test_a_refusal_is_told_once(message):
    with pytest.raises(RunError) as raised, bigquery.asking("the table demo.log.rows"):
        raise exceptions.NotFound(message)

    sentence = f"the table demo.log.rows: BigQuery finds no such thing ({REFUSAL})"
    assert str(raised.value) == sentence
