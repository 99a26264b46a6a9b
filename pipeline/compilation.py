"""Writes pipeline jobs: for Vertex from an environment's settings, and their local twin that `rehearse` executes here."""

import json
import re
from datetime import date
from pathlib import Path

from environments import ENVIRONMENTS
from pipeline import local_image, model_folder, runners, spec
from pipeline.errors import ConfigurationError
from pipeline.model_folder import ModelFolder
from settings import model_names

LOCAL = "local"
DIGEST = re.compile(r"[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}")


def compile_models(
    models: list[str], *, environment: str, image: str | None, serving_image: str | None, end: str, runs: Path, output: Path
) -> list[Path]:
    """One file a model, `output`/ENV-MODEL.json; nothing is written unless all can be compiled."""
    jobs = {}
    for name in models or model_names():
        folder = model_folder.load(name)
        settled, node_image = _settle(folder, environment, image, serving_image, end, runs)
        jobs[output / f"{environment}-{folder.name}.json"] = runners.compiled(settled, node_image)
    output.mkdir(parents=True, exist_ok=True)
    for file, job in jobs.items():
        file.write_text(json.dumps(job, indent=1, sort_keys=True) + "\n")
    return list(jobs)


def _settle(
    folder: ModelFolder, environment: str, image: str | None, serving_image: str | None, end: str, runs: Path
) -> tuple[spec.PipelineSpec, str]:
    if environment == LOCAL:
        return spec.here(folder, runs / "rehearsal" / folder.name), local_image.reference()
    if environment not in ENVIRONMENTS:
        raise ConfigurationError(f"--env is {environment!r}, allowed are {LOCAL}, {', '.join(ENVIRONMENTS)}")
    for flag, given in (("--image", image), ("--serving-image", serving_image)):
        if given is None or not DIGEST.fullmatch(given):
            raise ConfigurationError(
                f"{flag} is {given!r}, allowed for {environment} is an image by digest, NAME@sha256:64 hexadecimal digits"
            )
    try:
        window_end = date.fromisoformat(end)
    except ValueError as error:
        raise ConfigurationError(f"--end is {end!r}, allowed is a day as YYYY-MM-DD") from error
    assert image and serving_image
    return spec.cloud(folder, ENVIRONMENTS[environment], image=image, serving_image=serving_image, end=window_end), image
