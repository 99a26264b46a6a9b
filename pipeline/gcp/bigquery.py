"""Runs statements on BigQuery as labelled, bounded jobs; a refusal becomes one sentence.

Its clients come from clients.bigquery, there and here (BIGQUERY_EMULATOR_HOST) alike.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from pipeline.errors import CredentialsError, RunError, UnreachableError
from pipeline.gcp import clients
from pipeline.gcp.protocols import BigQuery, Row

LABELS = {"managed-by": "esteira"}
GIB = 2**30
MAXIMUM_BYTES = 100 * GIB  # that one job may read, unless its caller knows better
# Of a refusal's reasons (docs.cloud.google.com/bigquery/docs/error-messages).
TOO_MANY_BYTES = "bytesBilledLimitExceeded"
QUOTA = ("quotaExceeded", "rateLimitExceeded", "resourcesExceeded")


def client_of(table: str, region: str = "US") -> BigQuery:
    """A client of the project of a table, PROJECT.DATASET.TABLE."""
    project, _, _ = table.partition(".")
    with asking(f"the table {table}"):
        return clients.bigquery(project, region)


def run(
    client: BigQuery,
    statement: str,
    subject: str,
    *,
    parameters: Sequence[object] = (),
    labels: Mapping[str, str] | None = None,
    maximum_bytes: int = MAXIMUM_BYTES,
) -> list[Row]:
    """The rows of one statement; RunError about `subject` where BigQuery refuses it.

    `parameters` are those of google.cloud.bigquery. Nothing is billed for a job that would read
    more than `maximum_bytes`.
    """
    from google.cloud import bigquery

    configuration = bigquery.QueryJobConfig(
        query_parameters=list(parameters),
        labels={**LABELS, **(labels or {})},
        maximum_bytes_billed=maximum_bytes,
        use_query_cache=False,  # a row that came late must not be missed
    )
    with asking(subject):
        return list(client.query(statement, job_config=configuration).result())


@contextmanager
def asking(subject: str) -> Iterator[None]:
    """Turn a refusal of BigQuery's into one sentence about `subject`."""
    from google.api_core import exceptions
    from google.auth import exceptions as auth

    try:
        yield
    except exceptions.GoogleAPICallError as error:
        raise RunError(f"{subject}: {_sentence(error)}") from error
    except auth.GoogleAuthError as error:
        raise CredentialsError(
            f"{subject}: there are no valid Google credentials: "
            f"run `gcloud auth application-default login` ({error})"
        ) from error
    except (exceptions.RetryError, OSError) as error:
        raise UnreachableError(f"{subject}: BigQuery could not be reached ({error})") from error


def _sentence(error: Any) -> str:
    """What BigQuery refuses, and what helps."""
    reasons = {entry.get("reason", "") for entry in error.errors if isinstance(entry, dict)}
    message = _first_line(error.message)
    if TOO_MANY_BYTES in reasons or "bytes billed" in message:
        return (
            f"BigQuery would read more than the job is allowed ({message}): partition the table "
            "by its time of logging, so that a day's job reads a day"
        )
    if reasons.intersection(QUOTA) or error.code == 429:
        return f"a quota of BigQuery's is used up ({message}): run it again later"
    if error.code == 404:
        return f"BigQuery finds no such thing ({message})"
    if error.code in (401, 403):
        return f"BigQuery refuses it to this account ({message})"
    return f"BigQuery answers {error.code}: {message}"


def _first_line(message: str | None) -> str:
    """Google's sentence once, without the job's id and place below it."""
    text = (message or "").strip()
    sentence, _, _ = text.partition("; reason: ")  # which its client adds, and the same again
    lines = sentence.splitlines()
    return lines[0] if lines else "without a reason"
