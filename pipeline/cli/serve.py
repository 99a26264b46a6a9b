"""`serve MODEL`: a published version behind HTTP."""

import argparse
from pathlib import Path

from pipeline.cli.options import DONE, add_runs
from pipeline.errors import ConfigurationError

HELP = "answer HTTP requests with a model, under Vertex's container contract"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "model",
        help="a model's name, for its newest published version, or a path to a SavedModel's folder",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="where to listen (default: 127.0.0.1, this machine alone)",
    )
    parser.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: 8080)")
    parser.add_argument(
        "--drain-seconds",
        type=float,
        default=8,
        metavar="SECONDS",
        help="how long requests in flight are waited for when it is told to stop (default: 8)",
    )
    add_runs(parser, holds="published versions")


def run(options: argparse.Namespace) -> int:
    from pipeline.serving import saved_model, server

    folder = Path(options.model).resolve() if "/" in options.model else _newest(options)
    server.serve(
        str(saved_model.check(folder)),
        host=options.host,
        port=options.port,
        drain_seconds=options.drain_seconds,
    )
    return DONE


def _newest(options: argparse.Namespace) -> Path:
    from pipeline.serving import saved_model

    versions = options.runs.resolve() / "store" / options.model / "published"
    version = saved_model.newest(versions)
    if version is None:
        raise ConfigurationError(
            f"there is no published version of {options.model!r} in {versions}: "
            f"run `python -m pipeline run {options.model}` first, "
            "or name a path that has a slash in it"
        )
    return version
