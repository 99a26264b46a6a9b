"""The command line, light to start.

A verb's work is imported when the verb runs, in the venv with TFX.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the verdict is no.
"""

from settings import interpreter  # first, since it refuses what is too old for the others

# isort: split
import argparse
import os
import sys

from pipeline.cli import (
    card,
    compile,
    data,
    deliver,
    lineage,
    load_data,
    monitor,
    predict,
    provenance,
    push,
    rehearse,
    release,
    reproduce,
    route,
    run,
    runs,
    schema,
    serve,
    submit,
    tune,
)
from settings import REPOSITORY, SettingsError
from settings.models import ModelError

VERBS = {
    "run": run,
    "schema": schema,
    "tune": tune,
    "predict": predict,
    "runs": runs,
    "card": card,
    "lineage": lineage,
    "data": data,
    "provenance": provenance,
    "reproduce": reproduce,
    "compile": compile,
    "rehearse": rehearse,
    "serve": serve,
    "route": route,
    "push": push,
    "submit": submit,
    "deliver": deliver,
    "release": release,
    "load-data": load_data,
    "monitor": monitor,
}
LIGHT = ("route",)  # verbs that any Python 3.11 can do, without an installed package


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m pipeline",
        description="Train, judge, publish and ask models.",
        epilog="exit: 0 done, 1 failed, 2 usage or configuration, 3 the verdict is no",
    )
    verbs = top.add_subparsers(dest="verb", required=True, metavar="VERB")
    for name, verb in VERBS.items():
        verb.add_arguments(verbs.add_parser(name, help=verb.HELP))
    return top


def main(arguments: list[str]) -> int:
    options = parser().parse_args(joined_sort(arguments))
    environment = os.environ.get("ESTEIRA_ENVIRONMENT")
    if options.verb not in LIGHT and environment != "pipeline":
        enter_environment(arguments)
    from pipeline.errors import ConfigurationError, RunError
    from pipeline.places import failure

    try:
        code: int = VERBS[options.verb].run(options)
        flush_output()  # here, where a closed pipe and a full disk have their sentence
        return code
    except (ConfigurationError, RunError) as error:
        print(f"python -m pipeline {options.verb}: {error}", file=sys.stderr)
        return 2 if isinstance(error, ConfigurationError) else 1
    except SettingsError as error:
        print(f"python -m pipeline {options.verb}: environments.py: {error}", file=sys.stderr)
        return 2
    except ModelError as error:
        print(f"python -m pipeline {options.verb}: {error}", file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        sentence = interpreter.missing_module(error, "pipeline")
        print(f"python -m pipeline {options.verb}: {sentence}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(
            f"python -m pipeline {options.verb}: interrupted; "
            "what is finished is kept, run it again to go on",
            file=sys.stderr,
        )
        return 130
    except BrokenPipeError:
        return 1
    except OSError as error:
        # The last resort: a disk, a folder or a file that fails where no sentence of its own is.
        print(f"python -m pipeline {options.verb}: {failure(error)}", file=sys.stderr)
        return 1


def joined_sort(arguments: list[str]) -> list[str]:
    """The arguments with `--sort -NAME` as one: argparse takes what begins with - for a flag."""
    words: list[str] = []
    for word in arguments:
        if words and words[-1] == "--sort" and word.startswith("-"):
            words[-1] = f"--sort={word}"
        else:
            words.append(word)
    return words


def enter_environment(arguments: list[str]) -> None:
    """Become the same command in the locked venv, prepared first if missing."""
    variables = {
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "3"),
        "PYTHONPATH": str(REPOSITORY),
    }
    # By the interpreter, since a ZIP keeps no execute bits.
    command = [sys.executable, str(REPOSITORY / "build/environment"), "pipeline", "python"]
    os.execve(
        sys.executable,
        [*command, "-m", "pipeline", *arguments],
        os.environ | variables,
    )


def open_streams() -> None:
    """Open to nowhere what the caller closed (`>&-`): the next file would take its number."""
    modes = {"stdin": "r", "stdout": "w", "stderr": "w"}
    for number, (name, mode) in enumerate(modes.items()):
        if getattr(sys, name) is None:
            nowhere = os.open(os.devnull, os.O_RDWR)  # the lowest free number, which is this one
            os.set_inheritable(nowhere, True)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


def enter_utf8() -> None:
    """Become the same command in Python's UTF-8 mode: libraries read by the locale otherwise."""
    if sys.flags.utf8_mode or os.environ.get("PYTHONUTF8") == "1":
        return
    command = [sys.executable, "-m", "pipeline", *sys.argv[1:]]
    os.execve(sys.executable, command, os.environ | {"PYTHONUTF8": "1"})


def flush_output() -> None:
    sys.stdout.flush()
    sys.stderr.flush()


def help_code(end: SystemExit) -> int:
    """The exit code of argparse; a help that nobody reads to its end is a failure."""
    try:
        flush_output()
    except OSError:
        return 1
    return int(end.code or 0)


if __name__ == "__main__":
    open_streams()
    if os.environ.get("ESTEIRA_ENVIRONMENT") == "pipeline":
        enter_utf8()
    try:
        code = main(sys.argv[1:])
    except SystemExit as end:  # of argparse
        code = help_code(end)
    # Taking TensorFlow apart again would take two seconds, and all that matters is written.
    os._exit(code)
