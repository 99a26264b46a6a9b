"""A stand-in for BigQuery that runs SQL: local-bigquery, behind a proxy for faults.

The proxy refuses what Google does: a streaming insert of more than 10 MB
(cloud.google.com/bigquery/quotas#streaming_inserts), and a DELETE of rows that are still in the
streaming buffer.
"""

import contextlib
import json
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from settings import REPOSITORY
from tests.standins.fault_proxy import Proxied, proxied
from tests.standins.streaming_buffer import StreamingBuffer

INSERT_BYTES = 10_000_000
# -P: the program's folder must not hide google.cloud.
PROGRAM = ("local-bigquery", "python", "-P", Path(__file__).with_name("local_bigquery_program.py"))


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[Proxied]:
    """BigQuery for clients at its `url` (BIGQUERY_EMULATOR_HOST), its data in `folder`."""
    command = [REPOSITORY / "build/environment", *PROGRAM, folder]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        address = server.stdout.readline().strip()
        behind = address.removeprefix("http://")
        with proxied(behind, faulty_path="/insertAll", largest_bytes=INSERT_BYTES) as bigquery:
            bigquery.refusal = StreamingBuffer().refusal
            yield bigquery
    finally:
        server.stdin.close()
        server.terminate()
        server.wait()


def create_dataset(url: str, project: str, dataset: str) -> None:
    """Create a dataset by BigQuery's API, without its client."""
    reference = {"projectId": project, "datasetId": dataset}
    body = json.dumps({"datasetReference": reference}).encode()
    headers = {"content-type": "application/json"}
    address = f"{url}/bigquery/v2/projects/{project}/datasets"
    request = urllib.request.Request(address, body, headers)
    with urllib.request.urlopen(request) as response:
        response.read()
