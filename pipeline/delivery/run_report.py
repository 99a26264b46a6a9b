"""Writes the summary and the report of a Vertex run into its stage's bucket.

They are what a run on a machine leaves, made from one answer about the job and from the files of
its artifacts.
"""

import json
import sys
import tempfile
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from google.api_core import exceptions
from tfx.types import Artifact

from pipeline.cards import content, drawing, owner
from pipeline.cards.content import Card
from pipeline.cards.store import FOLDER
from pipeline.errors import ConfigurationError, RunError
from pipeline.gcp import artifact_files, browser, model_registry, pipeline_jobs
from pipeline.gcp.clients import patiently
from pipeline.gcp.pipeline_jobs import Outcome
from pipeline.gcp.stage import Stage
from pipeline.local import run_names
from pipeline.model import schema
from pipeline.model.folder import ModelFolder
from pipeline.provenance import capture, stage_bucket
from pipeline.provenance.facts import Code
from pipeline.reports import curves, job_metadata, report, summary
from pipeline.tracking import stage_outbox
from settings import REPOSITORY

Json = dict[str, Any]
Texts = dict[str, str]  # by the names of their files
CONTENT_TYPES = {
    ".json": "application/json",
    ".html": "text/html; charset=utf-8",
    ".md": "text/markdown; charset=utf-8",
}


def address(stage: Stage, model: str, run: str) -> str:
    """Where a browser finds the report of a run, whose resource name this is."""
    return browser.address(stage, f"{stage_bucket.folder(model, run)}/report.html")


@dataclass(frozen=True)
class Sources:
    """What an experiment ran, which is not what is checked out."""

    folder: ModelFolder
    code: Code


def write(stage: Stage, model: str, outcome: Outcome, sources: Sources | None = None) -> str | None:
    """Write both, the card and the statement; return the report's address, None without one.

    A run that is reported again is written over. `sources` are an experiment's; a delivery ran the
    commit that its job names.
    """
    try:
        run_summary, texts = _write(stage, model, outcome, sources)
        _state(stage, outcome, run_summary, texts, sign=sources is None)
        _link(stage, model, outcome)
    except Exception as problem:  # whatever it is: the delivery has its verdict without a report
        words = str(problem).split()
        text = " ".join(words)[:300]
        print(f"{model}: the report of {outcome.run} was not written: {text}", file=sys.stderr)
        return None
    warning = stage_outbox.track(stage, run_summary)
    if warning:
        print(warning, file=sys.stderr)
    return address(stage, model, outcome.run)


def _write(
    stage: Stage, model: str, outcome: Outcome, sources: Sources | None
) -> tuple[Json, Texts]:
    run = outcome.run
    job = pipeline_jobs.read(stage, run)
    if sources is None:
        sources = _delivered_sources(stage, job, model)
    model_folder = sources.folder
    declaration = model_folder.declaration
    with tempfile.TemporaryDirectory() as folder:
        files = _Files(stage, Path(folder))
        metadata = job_metadata.from_job(job, files, outcome.error)
        run_summary = summary.compose(metadata, model, declaration, _origin(job, sources.code))
        run_curves = curves.compose(metadata)
        page = report.render(metadata, run_summary, run_curves)
    text = json.dumps(run_summary, indent=2)
    texts = {"summary.json": f"{text}\n", "report.html": page}
    others = _card(run_summary, model_folder)
    if run_curves:
        others[run_names.CURVES] = curves.encode(run_curves)
    _upload(stage, stage_bucket.folder(model, run), texts | others)
    return run_summary, texts


def _state(stage: Stage, outcome: Outcome, run_summary: Json, texts: Texts, *, sign: bool) -> None:
    """Write the statement of the run's model, and its envelope where the stage signs.

    Where that fails it is told, and a stage that signs will release nothing of the run.
    """
    run, model = outcome.run, run_summary["model"]
    try:
        files = stage_bucket.files(stage, run_summary, texts, sign=sign)
        _upload(stage, stage_bucket.folder(model, run), files)
    except (RunError, ConfigurationError) as problem:
        print(f"{model}: the statement of {run} was not written: {problem}", file=sys.stderr)


def _card(run_summary: Json, folder: ModelFolder) -> Texts:
    """The files of the model's card, none where the run measured no model."""
    columns = schema.served_columns(schema.read(folder))
    words = owner.read(folder.path)
    card = content.compose(run_summary, folder.declaration, columns, words)
    files = drawing.files(card) if card else {}
    return {f"{FOLDER}/{name}": text for name, text in files.items()}


def card(stage: Stage, model: str, run: str) -> Card:
    """The card that the delivery wrote; raises RunError where there is none."""
    name = f"{stage_bucket.folder(model, run)}/{FOLDER}/{content.NAME}"
    uri = f"gs://{stage.artifacts.name}/{name}"
    blob = stage.artifacts.blob(name)
    try:
        with stage.asking(uri):
            text = patiently(blob.download_as_bytes).decode()
    except exceptions.NotFound as error:
        raise RunError(f"{uri}: there is no such card, the run is older than cards are") from error
    return content.decode(text, uri)


def _link(stage: Stage, model: str, outcome: Outcome) -> None:
    """Have the version that the run made say where its card is."""
    if outcome.version is not None:
        name = f"{stage_bucket.folder(model, outcome.run)}/{FOLDER}/{drawing.PAGE}"
        text = f"Its card: {browser.address(stage, name)}"
        model_registry.describe(stage, model, outcome.version, text)


def _upload(stage: Stage, folder: str, texts: Texts) -> None:
    with stage.asking(f"the bucket {stage.artifacts.name}"):
        for name, text in texts.items():
            content_type = CONTENT_TYPES[Path(name).suffix]
            blob = stage.artifacts.blob(f"{folder}/{name}")
            patiently(partial(blob.upload_from_string, text, content_type=content_type))


def _delivered_sources(stage: Stage, job: Json, model: str) -> Sources:
    """The commit that the job names, and the model's folder as it is checked out."""
    folder = ModelFolder.load(model)
    code = capture.of_commit(REPOSITORY, job["labels"]["commit"], folder)
    address = f"https://github.com/{stage.settings.github.repository}"
    return Sources(folder, replace(code, repository=address))


def _origin(job: Json, code: Code) -> Json:
    """What the job ran: its code and its image, beside the versions of this commit's lock."""
    executors = job["pipelineSpec"]["deploymentSpec"]["executors"].values()
    containers = [executor["container"] for executor in executors if "container" in executor]
    environment = capture.environment(containers[0]["image"])
    nodes = job["pipelineSpec"]["root"]["dag"]["tasks"]
    return {
        "code": asdict(code),
        "environment": asdict(environment),
        "parameters": {"tune": "Tuner" in nodes},
    }


@dataclass
class _Files:
    """Brings artifacts' files from the stage's bucket into `folder`, each once."""

    stage: Stage
    folder: Path
    _fetched: dict[tuple[str, tuple[str, ...]], Artifact | None] = field(default_factory=dict)

    def __call__(self, artifact: Artifact, patterns: tuple[str, ...]) -> Artifact | None:
        key = (artifact.uri, patterns)
        if key not in self._fetched:
            self._fetched[key] = self._fetch(artifact, patterns)
        return self._fetched[key]

    def _fetch(self, artifact: Artifact, patterns: tuple[str, ...]) -> Artifact | None:
        folder = self.folder / str(len(self._fetched))
        if not artifact_files.fetch(self.stage, artifact.uri, patterns, folder):
            return None
        local_artifact = type(artifact)()
        local_artifact.copy_from(artifact)
        local_artifact.uri = str(folder)
        return local_artifact
