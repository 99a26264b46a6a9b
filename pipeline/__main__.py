"""The command line: light to start, each verb's work is imported when it is asked for, in the environment that holds TFX.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the verdict is no.
"""

import argparse
import os
import sys
from collections.abc import Callable
from pathlib import Path

from pipeline.delivery import arguments as deliveries
from settings import REPOSITORY, SettingsError

RUNS = REPOSITORY / "runs"
LIGHT = ("route",)  # verbs that any Python 3.11 can do, without an installed package


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Train, judge, publish and ask models.",
        epilog="exit: 0 done, 1 failed, 2 usage or configuration, 3 the verdict is no",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    reporting = argparse.ArgumentParser(add_help=False)
    reporting.add_argument("--json", action="store_true", help="print the result as JSON on standard output")
    common = argparse.ArgumentParser(add_help=False, parents=[reporting])
    common.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help="where runs and what they make are kept (default: runs)")
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("model", help="a model's name, or a path to its folder")

    run = verbs.add_parser("run", parents=[model, common], help="run the whole pipeline here, resuming what an earlier run left")
    run.add_argument("--tune", action="store_true", help="search hyperparameters instead of importing best.json")
    run.add_argument("--watch", action="store_true", help="run again whenever one of the files that make the model is saved, until Ctrl-C")
    schema = verbs.add_parser(
        "schema", parents=[model, common], help="infer a schema from the data and show the difference to schema.pbtxt"
    )
    schema.add_argument("--write", action="store_true", help="write the inferred schema to schema.pbtxt where there is none yet")
    verbs.add_parser("tune", parents=[model, common], help="search hyperparameters and write the best to best.json")
    predict = verbs.add_parser("predict", parents=[model, common], help="answer every row of a CSV with the last blessed model")
    predict.add_argument("--input", type=Path, required=True, metavar="CSV")
    predict.add_argument("--output", type=Path, required=True, metavar="CSV")
    verbs.add_parser("runs", parents=[common], help="list the runs and their decisions")
    compile_ = verbs.add_parser(
        "compile", parents=[common], help="write the job for Vertex Pipelines, or with --env local its twin for `rehearse`"
    )
    compile_.add_argument("models", nargs="*", metavar="model", help="names or paths (default: all models)")
    compile_.add_argument("--env", required=True, help="local, or an environment of environments.py")
    compile_.add_argument("--image", help="the pipeline image by digest, NAME@sha256:...; not for local")
    compile_.add_argument("--serving-image", help="the serving image by digest; not for local")
    compile_.add_argument("--end", help="the day before which the data window ends, YYYY-MM-DD (default: today)")
    compile_.add_argument(
        "--output", type=Path, default=Path("compiled"), metavar="DIR", help="where ENV-MODEL.json is written (default: compiled)"
    )
    rehearse = verbs.add_parser(
        "rehearse", parents=[common], help="execute a local spec here, node by node through the containers' entrypoint"
    )
    rehearse.add_argument("spec", type=Path)
    serve = verbs.add_parser("serve", help="answer HTTP requests with a model, under Vertex's container contract")
    serve.add_argument("model", help="a model's name, for its newest published version, or a path to a SavedModel's folder")
    serve.add_argument("--host", default="127.0.0.1", help="where to listen (default: 127.0.0.1, this machine alone)")
    serve.add_argument("--port", type=int, default=8080, help="0 takes a free one (default: 8080)")
    serve.add_argument("--runs", type=Path, default=RUNS, metavar="DIR", help="where published versions are kept (default: runs)")
    deliveries.add_to(verbs, reporting)
    return top


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    if options.verb not in LIGHT and os.environ.get("ESTEIRA_ENVIRONMENT") != "pipeline":
        enter_environment(arguments)
    from pipeline.errors import ConfigurationError, RunError

    try:
        return work(options.verb)(options)
    except (ConfigurationError, RunError) as error:
        print(f"python -m pipeline {options.verb}: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1
    except SettingsError as error:
        print(f"python -m pipeline {options.verb}: environments.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"python -m pipeline {options.verb}: interrupted; what is finished is kept, run it again to go on", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 1


def work(verb: str) -> Callable[[argparse.Namespace], int]:
    if verb in LIGHT:
        from pipeline.delivery import verbs as light

        return light.VERBS[verb]
    if verb in deliveries.VERBS:
        from pipeline.delivery import commands

        return commands.VERBS[verb]
    from pipeline import verbs

    return verbs.VERBS[verb]


def enter_environment(arguments: list[str]) -> None:
    """Become the same command in the locked environment, which is prepared first where it is missing."""
    quiet = {"TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"), "PYTHONPATH": str(REPOSITORY)}
    program = str(REPOSITORY / "build/environment")
    os.execve(program, [program, "pipeline", "python", "-m", "pipeline", *arguments], os.environ | quiet)


if __name__ == "__main__":
    code = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # taking TensorFlow apart again would take two seconds, and all that matters is written
