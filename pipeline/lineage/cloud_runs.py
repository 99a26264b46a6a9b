"""The summary and the statistics of a run on Vertex, from its stage's bucket."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.api_core import exceptions

from pipeline.errors import RunError
from pipeline.gcp import run_statistics
from pipeline.gcp.clients import patiently
from pipeline.gcp.stage import Stage
from pipeline.lineage import asked
from pipeline.lineage.place import Place
from settings.artifacts import REPORTS

Json = dict[str, Any]


@dataclass(frozen=True)
class CloudRuns:
    """A stage's runs; files come into `folder`."""

    stage: Stage
    place: Place
    folder: Path

    def summary(self, name: str) -> Json:
        """The summary of the run that the name means; raises RunError where there is none."""
        run = asked.run(self.place, name)
        for model in self.place.models():
            blob = self.stage.artifacts.blob(f"{REPORTS}{model}/{run}/summary.json")
            try:
                with self.stage.asking_bucket():
                    content = patiently(blob.download_as_bytes)
            except exceptions.NotFound:
                continue
            document: Json = json.loads(content)
            return document
        raise RunError(f"{run}: no delivery to {self.stage.name} has written its summary")

    def statistics(self, summary: Json) -> Path:
        """The folder with the statistics of the run's rows."""
        return run_statistics.fetch(self.stage, summary["run"], self.folder)
