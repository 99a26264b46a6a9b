"""`serve MODEL`: a published version behind HTTP."""

import argparse
import hashlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, add_runs
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.serving.loading import Proof
    from pipeline.serving.request_log.queue import RequestLog

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
    parser.add_argument(
        "--request-log",
        metavar="PROJECT.DATASET.TABLE",
        help="log a sample of the requests there, in BigQuery, as Vertex does, kept below RUNS "
        "until they are sent (default: none)",
    )
    parser.add_argument(
        "--sampling-rate",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="share of the requests that are logged (default: 0.1)",
    )
    parser.add_argument(
        "--public-key",
        type=Path,
        metavar="FILE",
        help="serve only versions whose statement is signed by the private key of the public one "
        "in this PEM file (default: any version)",
    )
    add_runs(parser, holds="published versions")


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.serving import saved_model, server

    by_name = "/" not in options.model
    if by_name:
        folder = _newest(options)
    else:
        folder = places.artifacts_folder(Path(options.model), "the model")
    model = saved_model.check(folder)
    proof = _proof(options.public_key, model)
    server.serve(
        str(model),
        host=options.host,
        port=options.port,
        drain_seconds=options.drain_seconds,
        published=folder.parent if by_name else None,
        log=_log(options, folder, by_name=by_name),
        proof=proof,
    )
    return DONE


def _proof(file: Path | None, model: Path) -> "Proof | None":
    """What --public-key asks of each version; the first is refused before the port is opened."""
    if file is None:
        return None
    from pipeline.provenance import key_file, published
    from pipeline.serving import loading

    check = partial(published.check, key=key_file.public(file, "--public-key"))
    check(model, loading.digest_of(model))
    return loading.Proof(check, published.folder)


def _log(options: argparse.Namespace, folder: Path, *, by_name: bool) -> "RequestLog | None":
    """The requested log, with a folder for its unsent rows; None without --request-log."""
    if options.request_log is None:
        return None
    from pipeline import places
    from pipeline.serving.request_log.queue import RequestLog
    from pipeline.serving.request_log.table import LogTable

    table = LogTable(options.request_log)
    if not 0 < options.sampling_rate <= 1:
        raise ConfigurationError(
            f"--sampling-rate is {options.sampling_rate:g}, allowed is more than 0 and at most 1"
        )
    runs = places.artifacts_folder(options.runs, "--runs")
    spool = folder.parent.with_name("request_log") if by_name else _spool(runs, folder)
    places.writable(places.folder(spool, "the request log's folder"), "the request log's folder")
    return RequestLog(table, spool, sampling_rate=options.sampling_rate)


def _spool(runs: Path, folder: Path) -> Path:
    """The spool for a model given by path: its own folder may be read-only."""
    digest = hashlib.sha256(str(folder).encode()).hexdigest()
    return runs / "request_log" / f"{folder.name[:64]}-{digest[:12]}"


def _newest(options: argparse.Namespace) -> Path:
    from pipeline import places
    from pipeline.serving import saved_model

    runs = places.artifacts_folder(options.runs, "--runs")
    versions = runs / "store" / options.model / "published"
    version = saved_model.newest(versions)
    if version is None:
        raise ConfigurationError(
            f"there is no published version of {options.model!r} in {places.shown(versions)}: "
            f"run `python -m pipeline run {options.model}` first, "
            "or name a path that has a slash in it"
        )
    return version
