"""The loop on one machine, without a cloud: `make loop`.

    python -m tests.loop

A stage of stand-ins delivers taxi, trained on early trips. It is served here and asked about later
ones, the monitor judges the log, and a message has the stage train it again. Both models are asked
about trips that neither had. The exit code is 3 where the 95 % interval of the difference is not
above 0, or where the loop ends before.
"""

import logging
import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # before TensorFlow is there

from rich.console import Console

from pipeline.components.paired_difference import Difference
from pipeline.errors import ConfigurationError, RunError
from settings import REPOSITORY
from tests.loop import replay, trainers
from tests.loop.loop import Loop, OverError
from tests.loop.steps import Steps
from tests.loop.story import TAXI
from tests.loop.verbs import Processes

RUNS = REPOSITORY / "runs/loop"
DONE, FAILED, NO, INTERRUPTED = 0, 1, 3, 130
WIDTH = 140  # of what is no terminal


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(FAILED))  # by way of what ends processes
    logging.disable(logging.INFO)  # Google's clients tell all that they do
    width = None if sys.stdout.isatty() else WIDTH
    steps = Steps(Console(highlight=False, width=width))
    try:
        code, sentence = _verdict(steps)
    except KeyboardInterrupt:
        print("interrupted")
        return INTERRUPTED
    console = Console(highlight=False, width=width, record=True)
    console.print(steps.table())
    console.print(sentence)
    console.print("pages and figures: runs/loop")
    console.save_html(str(RUNS / "loop.html"))
    return code


def _verdict(steps: Steps) -> tuple[int, str]:
    """The exit code and its sentence."""
    try:
        difference = _difference(steps)
    except OverError as error:
        return NO, f"the loop ends here: {error}"
    except (ConfigurationError, RunError, RuntimeError, AssertionError) as error:
        return FAILED, f"failed: {error}"
    if difference.low > 0:
        return DONE, "the second model is better on rows that neither had"
    return NO, "the second model is not shown to be better on rows that neither had"


def _difference(steps: Steps) -> Difference:
    shutil.rmtree(RUNS, ignore_errors=True)
    RUNS.mkdir(parents=True)
    folder = TAXI.copy(RUNS)
    with ExitStack() as stack:
        with steps.step("set up the stand-ins: BigQuery, and a stage's cloud") as step:
            place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="loop-")))
            bigquery_url = stack.enter_context(replay.log_server(place / "bigquery"))
            trainer = stack.enter_context(trainers.stage(place / "project", folder))
            step.outcome = "no cloud is asked"
        verbs = Processes(RUNS / "log.txt", {"BIGQUERY_EMULATOR_HOST": bigquery_url})
        return Loop(TAXI, folder, RUNS, steps, trainer, verbs).run(bigquery_url)


if __name__ == "__main__":
    sys.exit(main())
