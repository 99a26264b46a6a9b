"""`compile MODEL ...`: the jobs for Vertex Pipelines, or their local twins."""

import argparse
import json
import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli import options as shared
from pipeline.errors import ConfigurationError
from settings import model_names
from settings.stages import environments

if TYPE_CHECKING:
    from pipeline.model.folder import ModelFolder
    from pipeline.spec import PipelineSpec

HELP = "write the job for Vertex Pipelines, or with --env local its twin for `rehearse`"
LOCAL = "local"
DIGEST = re.compile(r"[a-z0-9][\w./:-]*@sha256:[0-9a-f]{64}")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_json(parser)
    shared.add_runs(parser)
    parser.add_argument(
        "models", nargs="*", metavar="model", help="names or paths (default: all models)"
    )
    parser.add_argument("--env", required=True, help="local, or a stage of environments.py")
    parser.add_argument(
        "--image", help="the pipeline image by digest, NAME@sha256:...; not for local"
    )
    parser.add_argument("--serving-image", help="the serving image by digest; not for local")
    parser.add_argument(
        "--worker-image",
        help="the image of Dataflow's workers by digest, for a stage whose beam_engine is "
        "dataflow; not for local",
    )
    parser.add_argument(
        "--end",
        help="the day before which the data window ends, YYYY-MM-DD "
        "(default: today; for local all rows)",
    )
    shared.add_set(parser, ", with --env local")
    parser.add_argument(
        "--output",
        type=Path,
        default=Path("compiled"),
        metavar="DIR",
        help="where ENV-MODEL.json is written (default: compiled)",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.job import startup

    _refuse_together(options)
    runs = places.artifacts_folder(options.runs, "--runs")
    if options.env == LOCAL:
        places.writable(runs, "--runs")
    output = places.folder(options.output, "--output")
    places.writable(output, "--output")
    end = None if options.end is None else shared.day("--end", options.end)
    startup.load()
    files = compile_models(
        options.models,
        environment=options.env,
        image=options.image,
        serving_image=options.serving_image,
        worker_image=options.worker_image,
        end=end,
        runs=runs,
        output=options.output,
        changes=options.set,
    )
    names = [str(file) for file in files]
    shared.report(options, "\n".join(names), names, indent=None)
    return shared.DONE


def _refuse_together(options: argparse.Namespace) -> None:
    """Raise ConfigurationError for an image of a local job, which runs in this venv.

    A stage's job trains by best.json.
    """
    images = {
        "--image": options.image,
        "--serving-image": options.serving_image,
        "--worker-image": options.worker_image,
    }
    if options.env != LOCAL and options.set:
        raise ConfigurationError(f"--set goes with --env {LOCAL}, and --env is {options.env!r}")
    for flag, image in images.items():
        if options.env == LOCAL and image is not None:
            raise ConfigurationError(
                f"{flag} is {image!r}, allowed with --env {LOCAL} is none: "
                "its containers are forks of this venv"
            )


def compile_models(
    models: list[str],
    *,
    environment: str,
    image: str | None,
    serving_image: str | None,
    worker_image: str | None = None,
    end: date | None,
    runs: Path,
    output: Path,
    changes: Sequence[str] = (),
) -> list[Path]:
    """Write `output`/ENV-MODEL.json for each model, or nothing unless all can be compiled.

    Their data window ends before `end`. `changes` are hyperparameters as `--set` has them.
    """
    from pipeline.experiments import trials
    from pipeline.job import compiler
    from pipeline.local.store import write
    from pipeline.model.folder import ModelFolder

    jobs = {}
    today = datetime.now(UTC).date()
    for name in models or model_names():
        folder = ModelFolder.load(name)
        if environment == LOCAL:
            trial = trials.single(changes, folder)
            spec, node_image = _local(folder.with_hyperparameters(trial), runs, end)
        else:
            spec, node_image = _cloud(
                folder, environment, image, serving_image, worker_image, end or today
            )
        jobs[output / f"{environment}-{folder.name}.json"] = compiler.compiled(spec, node_image)
    for file, job in jobs.items():
        text = json.dumps(job, indent=1, sort_keys=True)
        write(file, f"{text}\n")
    return list(jobs)


def _local(folder: "ModelFolder", runs: Path, until: date | None) -> "tuple[PipelineSpec, str]":
    from pipeline import spec
    from pipeline.local import code_digest

    pipeline_spec = spec.here(folder, runs / "rehearsal" / folder.name, until=until)
    return pipeline_spec, code_digest.reference()


def _cloud(
    folder: "ModelFolder",
    stage: str,
    image: str | None,
    serving_image: str | None,
    worker_image: str | None,
    end: date,
) -> "tuple[PipelineSpec, str]":
    stages = environments()
    from pipeline import spec

    if stage not in stages:
        allowed = f"{LOCAL}, {', '.join(stages)}"
        raise ConfigurationError(f"--env is {stage!r}, allowed are {allowed}")
    images = [
        _by_digest("--image", image, stage),
        _by_digest("--serving-image", serving_image, stage),
    ]
    if stages[stage].beam_engine == "dataflow":
        worker_image = _by_digest("--worker-image", worker_image, stage)
    pipeline_spec = spec.cloud(
        folder,
        stages[stage],
        image=images[0],
        serving_image=images[1],
        worker_image=worker_image,
        end=end,
    )
    return pipeline_spec, images[0]


def _by_digest(flag: str, image: str | None, stage: str) -> str:
    if image is None or not DIGEST.fullmatch(image):
        raise ConfigurationError(
            f"{flag} is {image!r}, "
            f"allowed for {stage} is an image by digest, NAME@sha256:64 hexadecimal digits"
        )
    return image
