"""A stage's runs as folders on this machine: what a delivery wrote into the bucket of each."""

import functools
from pathlib import Path

from pipeline.gcp import reports, run_statistics
from pipeline.gcp.clients import patiently
from pipeline.gcp.protocols import Blob
from pipeline.gcp.stage import Stage
from pipeline.local.run_names import CURVES, SUMMARY

FILES = (SUMMARY, CURVES)


class StageFolder:
    """The reports of a stage; files come into `folder`.

    The stage is asked when its runs are; raises RunError where it can't be read.
    """

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder

    @functools.cached_property
    def _files(self) -> dict[tuple[str, str], Blob]:
        """The files by their runs' ids and their names."""
        return {(file.run, file.name): file.blob for file in reports.files(self.stage)}

    @property
    def runs(self) -> list[str]:
        """The ids of the runs with a summary."""
        return sorted(run for run, file in self._files if file == SUMMARY)

    def fetch(self, run: str) -> Path:
        """The run's folder here, with its summary and its curves."""
        folder = self.folder / run
        folder.mkdir(parents=True, exist_ok=True)
        for file in FILES:
            blob = self._files.get((run, file))
            if blob is not None:
                with self.stage.asking_bucket():
                    content = patiently(blob.download_as_bytes)
                (folder / file).write_bytes(content)
        return folder

    def statistics(self, run: str) -> Path:
        """The folder of the statistics of the run's rows; raises RunError where they are gone."""
        return run_statistics.fetch(self.stage, run, self.folder)
