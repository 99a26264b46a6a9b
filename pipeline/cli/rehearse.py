"""`rehearse SPEC`: a compiled local job, executed here."""

import argparse
from pathlib import Path

from pipeline.cli.options import DONE, NO, add_json, add_runs, report

HELP = "execute a local spec here, node by node through the containers' entrypoint"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    add_runs(parser)
    parser.add_argument("spec", type=Path)


def run(options: argparse.Namespace) -> int:
    from pipeline import places
    from pipeline.local import rehearsal

    spec = places.readable_file(options.spec, "the spec")
    result = rehearsal.rehearse_file(spec)
    blessed = "yes" if result["blessed"] else "no"
    report(options, f"blessed: {blessed}; published: {result['published'] or 'nothing'}", result)
    return DONE if result["blessed"] else NO
