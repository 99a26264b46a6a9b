"""Time a synth of all stages, whole process, from compiled bytecode.

The provider's package is imported the ordinary way and as infra does it, in turn. The last line is
the ratio of the medians.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from infra import PROVIDER
from settings import REPOSITORY

OURS = ["-m", "infra"]
ORDINARY = [
    "-c",
    f"import {PROVIDER}, runpy; runpy.run_module('infra', run_name='__main__', alter_sys=True)",
]


def seconds(program: list[str], folder: Path) -> float:
    environment = os.environ | {"CDKTF_OUTDIR": str(folder)}
    start = time.monotonic()
    subprocess.run(
        [sys.executable, *program], cwd=REPOSITORY, env=environment, check=True, timeout=300
    )
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        ordinary, prepared = medians(options.rounds, Path(place))
    print(f"medians: ordinary {ordinary:.1f} s, ours {prepared:.1f} s")
    print(f"ratio {prepared / ordinary:.2f}")


def medians(rounds: int, place: Path) -> tuple[float, float]:
    """The median seconds of the ordinary way and of ours; their stacks have to be the same."""
    ordinary_folder = place / "ordinary"
    our_folder = place / "ours"
    ordinary = []
    prepared = []
    seconds(OURS, our_folder)  # fills jsii's cache, so that no round pays for it
    for number in range(1, rounds + 1):
        ordinary.append(seconds(ORDINARY, ordinary_folder))
        prepared.append(seconds(OURS, our_folder))
        print(
            f"round {number}: ordinary {ordinary[-1]:.1f} s, ours {prepared[-1]:.1f} s",
            flush=True,
        )
    if not are_equal(ordinary_folder, our_folder):
        raise SystemExit("the two synthesized different stacks")
    return statistics.median(ordinary), statistics.median(prepared)


def are_equal(ordinary_folder: Path, our_folder: Path) -> bool:
    """Whether there is a stack, and each is the same file in both folders."""
    documents = list(ordinary_folder.glob("stacks/*/cdk.tf.json"))
    for document in documents:
        counterpart = our_folder / document.relative_to(ordinary_folder)
        if document.read_bytes() != counterpart.read_bytes():
            return False
    return bool(documents)


if __name__ == "__main__":
    main()
