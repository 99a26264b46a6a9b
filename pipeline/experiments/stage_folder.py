"""A stage's runs as folders on this machine: what a delivery wrote into the bucket of each."""

from pathlib import Path

from pipeline.gcp import run_statistics
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage
from pipeline.local.run_names import CURVES, SUMMARY
from settings.artifacts import REPORTS

FILES = (SUMMARY, CURVES)


class StageFolder:
    """The reports of a stage; files come into `folder`. Raises RunError where it can't be read."""

    def __init__(self, stage: Stage, folder: Path) -> None:
        self.stage = stage
        self.folder = folder
        with stage.asking_bucket():
            blobs = patiently(lambda: list(stage.artifacts.list_blobs(prefix=REPORTS)))
        self._files = {_run_and_file(blob.name): blob for blob in blobs}

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


def _run_and_file(name: str) -> tuple[str, str]:
    """Of reports/MODEL/RUN/FILE; a file of a card has one more part and is nobody's."""
    parts = name.removeprefix(REPORTS).split("/")
    return (parts[1], parts[2]) if len(parts) == 3 else ("", name)
