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
    start = time.monotonic()
    subprocess.run(
        [sys.executable, *program],
        cwd=REPOSITORY,
        env=os.environ | {"CDKTF_OUTDIR": str(folder)},
        check=True,
        timeout=300,
    )
    return time.monotonic() - start


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    ordinary, prepared = [], []
    with tempfile.TemporaryDirectory() as place:
        folders = Path(place, "ordinary"), Path(place, "ours")
        seconds(OURS, folders[1])  # fills jsii's cache, so that no round pays for it
        for number in range(1, rounds + 1):
            ordinary.append(seconds(ORDINARY, folders[0]))
            prepared.append(seconds(OURS, folders[1]))
            print(
                f"round {number}: ordinary {ordinary[-1]:.1f} s, ours {prepared[-1]:.1f} s",
                flush=True,
            )
        documents = list(folders[0].glob("stacks/*/cdk.tf.json"))
        same = [
            file.read_bytes() == (folders[1] / file.relative_to(folders[0])).read_bytes()
            for file in documents
        ]
    if not documents or not all(same):
        raise SystemExit("the two synthesized different stacks")
    print(
        f"medians: ordinary {statistics.median(ordinary):.1f} s, ours "
        f"{statistics.median(prepared):.1f} s"
    )
    print(f"ratio {statistics.median(prepared) / statistics.median(ordinary):.2f}")


if __name__ == "__main__":
    main()
