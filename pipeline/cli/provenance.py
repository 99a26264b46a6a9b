"""`provenance verify RUN`: whether a run's statement is signed by a key."""

import argparse
from pathlib import Path

from pipeline.cli.options import DONE, add_json, add_runs, report

HELP = "verify what a signed provenance.json states of a run's model"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    verify = actions.add_parser(
        "verify", help="the signature of a run's statement, by a public key"
    )
    verify.add_argument("run", help="the id of a run here, or its beginning")
    add_json(verify)
    add_runs(verify)
    verify.add_argument(
        "--public-key",
        type=Path,
        required=True,
        metavar="FILE",
        help="the public key as a PEM file",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.provenance import key_file, run_folder

    runs = places.folder(options.runs, "--runs")
    key = key_file.public(options.public_key, "--public-key")
    verified = run_folder.verify(runs, options.run, key)
    models = ", ".join(verified.digests)
    text = f"{verified.run} is signed by the key {verified.key[:12]}: it made the model {models}"
    result = {"run": verified.run, "digests": verified.digests, "key": verified.key}
    report(options, text, result)
    return DONE
