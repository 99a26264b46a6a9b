"""Runs of two models that are old by the rules' clock, with all that a run leaves on a machine.

The metadata are those of tests.pipeline.lineage.local_runs: made by ML Metadata itself.
"""

import copy
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipeline.experiments.prune.plan import Rules
from pipeline.experiments.prune.removal import look
from tests.pipeline.experiments.run_folders import SUMMARY
from tests.pipeline.lineage.local_runs import NODES, LocalRuns
from tests.scratch_git import run_git

LATER = datetime.now(UTC) + timedelta(days=400)  # by then every folder made now is old
STARTED = "2020-03-01T12:00:00+00:00"
ALL_NODES = tuple(NODES)
MLFLOW = """
CREATE TABLE IF NOT EXISTS runs (run_uuid TEXT PRIMARY KEY, name TEXT, artifact_uri TEXT);
CREATE TABLE IF NOT EXISTS tags (key TEXT, value TEXT, run_uuid TEXT);
CREATE TABLE IF NOT EXISTS metrics (key TEXT, value FLOAT, run_uuid TEXT);
"""


def run_id(number: int, model: str = "cab") -> str:
    return f"20200301-12{number // 60:02}{number % 60:02}-{model}-{number:06x}"


def rules(keep: int = 1, now: datetime = LATER) -> Rules:
    return Rules(keep=keep, now=now)


def reasons(runs: Path, run: str, keep: int = 1, now: datetime = LATER) -> list[str]:
    """Why the run stays; none where it may go."""
    return look(runs, rules(keep, now)).spared.get(run, [])


def names(runs: Path, keep: int = 1) -> list[str]:
    """The runs that may go."""
    return [each.run for each in look(runs, rules(keep)).going]


class OldRuns(LocalRuns):
    """Adds runs with their artifacts, unblessed unless they say `blessed`."""

    def old(self, number: int, **facts: Any) -> str:
        """Add a run; `document` replaces parts of its summary, `tags` are its tags."""
        return self.run(run_id(number, self.model), **{"blessed": 0, **facts})

    def cached(self, number: int, of: str, **facts: Any) -> str:
        """Add a run that takes all nodes from another one's."""
        return self.old(number, of=of, cached=ALL_NODES, **facts)

    def summary(self, run: str, facts: dict[str, Any]) -> None:
        document = copy.deepcopy(SUMMARY) | {"run": run, "model": self.model, "started": STARTED}
        document["decision"] = {"blessed": False, "published": None, "reason": "refused"}
        document["records"]["training"] = {"run": facts.get("trained_by", run)}
        folder = self.root / run
        folder.mkdir()
        text = json.dumps(document | facts.get("document", {}))
        (folder / "summary.json").write_text(text)
        (folder / "log.txt").write_text("it ran")
        if "tags" in facts:
            (folder / "tags.json").write_text(json.dumps(facts["tags"]))
        self.fill()

    def fill(self) -> None:
        """Make the folders of all artifacts, with their manifests."""
        with closing(sqlite3.connect(self.file)) as database:
            addresses = database.execute("SELECT uri FROM Artifact").fetchall()
        for (address,) in addresses:
            artifact = Path(address)
            if artifact.is_dir():
                continue
            artifact.mkdir(parents=True)
            (artifact / "data").write_text(artifact.name * 10)
            artifact.with_name(f"{artifact.name}.manifest.json").write_text("{}")

    def module(self, run: str, sha256: str) -> Path:
        """A module that the run's executions name, and that lies in the store."""
        folder = self.store / "modules" / sha256
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "model.py").write_text("x = 1")
        with closing(sqlite3.connect(self.file)) as database, database:
            database.execute(
                "INSERT INTO ExecutionProperty (execution_id, name, is_custom_property, "
                "string_value) SELECT execution_id, ?, 0, ? FROM Association "
                "JOIN Context ON Context.id = context_id WHERE Context.name = ? LIMIT 1",
                [sha256[:8], f"{folder}/model.py", run],
            )
        return folder

    def track(self, run: str, id_: str) -> Path:
        """Keep the run in mlflow's database under the id; returns its folder of files."""
        with closing(sqlite3.connect(self.root / "mlflow.db")) as database, database:
            database.executescript(MLFLOW)
            folder = self.root / "mlflow" / id_
            database.execute("INSERT INTO runs VALUES (?, ?, ?)", [id_, run, f"{folder}/artifacts"])
            database.execute("INSERT INTO metrics VALUES ('auc', 0.9, ?)", [id_])
        (folder / "artifacts").mkdir(parents=True)
        (folder / "artifacts/report.html").write_text("<p>")
        return folder


def repository(folder: Path, *runs: str) -> Path:
    """A git repository that keeps the files of the runs."""
    folder.mkdir()
    run_git(folder, "init", "--quiet")
    run_git(folder, "commit", "--quiet", "--allow-empty", "-m", "first")
    for run in runs:
        run_git(folder, "update-ref", f"refs/esteira/runs/{run}", "HEAD")
    return folder


def refs(folder: Path) -> list[str]:
    output = run_git(folder, "for-each-ref", "--format=%(refname:lstrip=3)", "refs/esteira/")
    return output.decode().split()
