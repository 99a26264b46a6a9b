"""Runs in turn, each in a fork: what is left when one is killed, or all are to end."""

import json
import signal
import subprocess
import sys

from settings import REPOSITORY

# Each trial says how it ends; the answer is what is known of each.
PROGRAM = """
import json, os, signal, sys, time
from pipeline.local import sweep

def run_once(trial):
    print("begun", trial["end"], flush=True)
    if trial["end"] == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if trial["end"] == "long":
        time.sleep(60)
    return 3, {"run": trial["end"]}

trials = [{"end": end} for end in sys.argv[1:]]
ended = [[each.code, each.summary] for each in sweep.run_in_turn(trials, run_once)]
print(json.dumps(ended), flush=True)
os._exit(0)
"""


def start(*ends):
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *ends], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )


def test_a_run_that_is_killed_does_not_stop_the_others():
    output, _ = start("good", "killed", "last").communicate()

    ended = json.loads(output.splitlines()[-1])
    assert ended == [[3, {"run": "good"}], [-signal.SIGKILL, None], [3, {"run": "last"}]]


def test_the_run_that_goes_on_ends_when_the_sweep_is_to_end():
    process = start("long", "last")
    assert process.stdout.readline() == "begun long\n"

    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=30)

    assert json.loads(output) == [[-signal.SIGTERM, None]]
