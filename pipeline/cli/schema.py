"""`schema MODEL`: the data's schema beside the reviewed one."""

import argparse

from pipeline.cli.options import DONE, add_json, add_model, add_runs, report

HELP = "infer a schema from the data and show the difference to schema.pbtxt"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_model(parser)
    add_json(parser)
    add_runs(parser)
    parser.add_argument(
        "--write",
        action="store_true",
        help="write the inferred schema to schema.pbtxt where there is none yet",
    )


def run(options: argparse.Namespace) -> int:
    from pipeline.job import startup
    from pipeline.model.folder import ModelFolder

    folder = ModelFolder.load(options.model, without=("schema.pbtxt",))
    startup.load()
    from pipeline.local import schema_inference

    file = folder.path / "schema.pbtxt"
    inferred_schema = schema_inference.infer(folder)
    if options.write and not file.exists():
        file.write_text(inferred_schema, encoding="utf-8")
    difference = schema_inference.difference(file, inferred_schema)
    text = "\n".join(difference) or f"{file}: as inferred from the data"
    report(options, text, {"file": str(file), "difference": difference}, indent=None)
    return DONE
