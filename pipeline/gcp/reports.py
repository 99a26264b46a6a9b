"""The files of a stage's reports, in its bucket: reports/MODEL/RUN/FILE."""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.gcp.clients import patiently
from pipeline.gcp.protocols import Blob
from pipeline.gcp.stage import Stage
from settings.artifacts import REPORTS


class ReportFile(NamedTuple):
    run: str
    name: str
    blob: Blob


def files(stage: Stage) -> Iterator[ReportFile]:
    """Yield the files in the order of their names, without those in folders of a report."""
    with stage.asking_bucket():
        blobs = patiently(lambda: list(stage.artifacts.list_blobs(prefix=REPORTS)))
    for blob in blobs:
        parts = blob.name.removeprefix(REPORTS).split("/")
        if len(parts) == 3:
            _, run, name = parts
            yield ReportFile(run, name, blob)
