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
    from pipeline import places
    from pipeline.job import startup
    from pipeline.model.folder import ModelFolder

    folder = ModelFolder.load(options.model, without=("schema.pbtxt",))
    file = folder.path / "schema.pbtxt"
    is_written = options.write and not file.exists()
    if is_written:
        places.writable_file(file, "the schema's file")
    startup.load()
    from pipeline.local import schema_inference
    from pipeline.local.store import write

    inferred_schema = schema_inference.infer(folder)
    if is_written:
        write(file, inferred_schema)
    difference = schema_inference.difference(file, inferred_schema)
    text = "\n".join(difference) or f"{file}: as inferred from the data"
    report(options, text, {"file": str(file), "difference": difference}, indent=None)
    return DONE
