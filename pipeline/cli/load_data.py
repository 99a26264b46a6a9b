"""`load-data`: fills the models' training tables."""

import argparse
import sys
from dataclasses import asdict

from pipeline.cli import options as shared

HELP = "fill the BigQuery tables that models train from, from their local data"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    shared.add_stage(parser)
    parser.add_argument(
        "models",
        nargs="*",
        metavar="model",
        help="names or paths (default: all models that need a table)",
    )


def run(options: argparse.Namespace) -> int:
    stage = shared.stage(options.env)
    from pipeline.delivery import load_tables
    from pipeline.job import startup

    models = load_tables.chosen(options.models)
    startup.load()
    tables = load_tables.load(models, stage, _progress)
    lines = [f"{table.table}: {table.rows:,} rows, in {table.seconds:.1f} s" for table in tables]
    text = "\n".join(lines) or "no model's query.sql asks for @table: there is nothing to load"
    shared.report(options, text, [asdict(table) for table in tables], indent=None)
    return shared.DONE


def _progress(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
