"""Makes a run again through the job that is compiled for the cloud, node by node here."""

import json
from pathlib import Path
from typing import Any

from pipeline.errors import RunError
from pipeline.experiments import trials
from pipeline.model.folder import ModelFolder
from pipeline.reports import job_metadata, summary
from pipeline.reports.run_metadata import RunMetadata
from pipeline.reproduction.origin import Origin
from pipeline.reproduction.workspace import Workspace

Json = dict[str, Any]
Folders = dict[str, dict[str, Path]]


def run(asked: Origin, place: Workspace) -> tuple[Folders, Json]:
    """The folders of the rehearsal's outputs, by node and key, and its summary."""
    spec = _compiled(asked, place)
    runs = str(place.runs)
    place.python("-m", "pipeline", "rehearse", str(spec), "--runs", runs, flags=asked.flags)
    root = place.runs / f"rehearsal/{asked.model}"
    tasks_files = list(root.glob("rehearsals/*/tasks.json"))
    if len(tasks_files) != 1:
        raise RunError(f"{asked.run} cannot be made again: its rehearsal left no tasks.json")
    [tasks_file] = tasks_files
    metadata = _metadata(spec, tasks_file)
    folder = ModelFolder(place.files / f"models/{asked.model}")
    facts = asked.trained_summary["records"]
    origin = {"code": asked.code, "environment": facts["environment"]}
    composed = summary.compose(metadata, asked.model, folder.declaration, origin)
    return _folders(metadata), composed


def _metadata(spec: Path, tasks_file: Path) -> RunMetadata:
    """What the rehearsed job left, as a job of Vertex tells it."""
    document = _document(spec)
    tasks = _document(tasks_file)
    job = {
        "name": f"here/{tasks_file.parent.name}",
        "pipelineSpec": document["pipelineSpec"],
        "jobDetail": {"taskDetails": tasks},
    }
    return job_metadata.from_job(job, lambda artifact, _: artifact)


def _compiled(asked: Origin, place: Workspace) -> Path:
    runs = str(place.runs)
    options = ["--env", "local", "--runs", runs, "--output", runs]
    if asked.until:
        options += ["--end", asked.until]
    options += [f"--set={text}" for text in trials.texts(asked.changes)]
    place.python("-m", "pipeline", "compile", asked.model, *options, flags=asked.flags)
    specs = list(place.runs.glob("*.json"))
    if len(specs) != 1:
        raise RunError(f"{asked.run} cannot be made again: its job could not be compiled")
    return specs[0]


def _folders(metadata: RunMetadata) -> Folders:
    folders: Folders = {}
    for node in metadata.nodes:
        folders[node.id] = {}
        for key, group in node.outputs.items():
            if group:
                artifact, *_ = group
                folders[node.id][key] = Path(artifact.uri)
    return folders


def _document(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise RunError(f"{file}: cannot be read ({error!r:.100})") from error
