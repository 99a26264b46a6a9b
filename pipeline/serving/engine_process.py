"""An engine in a process of its own.

A model that crashes or hangs takes that process with it alone.
"""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]  # where the package lies
TIMEOUT_SECONDS = 300
EngineProcess = subprocess.Popen[str]

# Engines that nobody has taken yet. They cannot be a parameter of `ask` as long as TFX makes its
# caller, the executor of ServingCheck, from the name of a class.
_spares: ContextVar[list[EngineProcess] | None] = ContextVar("spares", default=None)


def ask(model: str, batches: list[list[Any]]) -> tuple[list[dict[str, Any]], str]:
    """The engine's answers, and its last line of errors in case some are missing."""
    requests = [{"instances": instances} for instances in batches]
    lines = [f"{json.dumps(line)}\n" for line in (model, *requests)]
    text = "".join(lines)
    with _take_spare() or _start_engine() as engine:
        try:
            output, errors = engine.communicate(text, TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired:
            return [], f"no answer within {TIMEOUT_SECONDS} s"
        finally:
            engine.kill()
    answer_lines = [line for line in output.splitlines() if line.startswith("{")]
    answers = [json.loads(line) for line in answer_lines]
    error_lines = errors.strip().splitlines()
    if not error_lines:
        return answers, f"exit {engine.returncode} without a message"
    return answers, error_lines[-1]


@contextlib.contextmanager
def spare_engine() -> Iterator[EngineProcess]:
    """Start an engine ahead, for the next check inside this context.

    The check then need not wait for TensorFlow's import. The engine ends with this process at the
    latest.
    """
    engine = _start_engine()
    spares = [engine]
    token = _spares.set(spares)
    try:
        yield engine
    finally:
        _spares.reset(token)
        # An engine that a check has taken is the check's: without it, the model would be refused.
        for spare in spares:
            with spare:
                spare.kill()


def _take_spare() -> EngineProcess | None:
    """Take the spare engine, or return None if there is none or it has died.

    It has had no model yet, so that no model is to blame for its death.
    """
    spares = _spares.get()
    if not spares:
        return None
    engine = spares.pop()
    alive = engine.poll() is None
    return engine if alive else None


def _start_engine() -> EngineProcess:
    """Start an engine in a session of its own.

    A Ctrl-C thereby does not end it, which would count against the model.
    """
    variables = {"PYTHONPATH": str(ROOT), "PYTHONUTF8": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    environment = os.environ | variables
    command = [sys.executable, "-m", "pipeline.serving.engine"]
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen(
        command, **pipes, encoding="utf-8", env=environment, start_new_session=True
    )
