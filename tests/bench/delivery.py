"""Time both paths of a delivery, from a push to its record.

The full path builds its images from nothing; the partial path is a model's edit. Around them stand
the stand-ins of the delivery's rehearsal, which only checks the building of the images. build/image
does that for real before, without any layer that is kept, as on Cloud Build, where every build
begins on a new machine; its time is added to the full path's. The last line is the partial path's
time over the full one's.

`python3 -m tests.bench.delivery` runs outside of the locked venv, where images can be built, and
runs itself inside for the paths.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from settings import REPOSITORY

EDITED = "models/cab/model.py"


def built() -> float:
    """Seconds to build every image from nothing."""
    with tempfile.TemporaryDirectory() as cache:
        program, around = [str(REPOSITORY / "build/image")], os.environ | {"XDG_CACHE_HOME": cache}
        start = time.monotonic()
        try:
            subprocess.run(program, env=around, check=True)
            return time.monotonic() - start
        finally:
            subprocess.run([*program, "--clean"], env=around, check=True)


def paths() -> dict[str, float]:
    """Seconds of each path, by its kind."""
    from tests.pipeline.scenarios.scratch import project

    with tempfile.TemporaryDirectory() as place, project(Path(place)) as scratch:
        scratch.stop_promotions()
        full = seconds(scratch, "full")
        scratch.edit(EDITED)
        return {"full": full, "partial": seconds(scratch, "partial")}


def seconds(scratch: Any, kind: str) -> float:
    """From a push of main's commit to the end of its build."""
    start = time.monotonic()
    result = scratch.push()
    outcome = scratch.ended(result["build"]["id"], patience_seconds=3600)
    if (result["route"]["kind"], outcome.status) != (kind, "SUCCESS"):
        raise SystemExit(
            f"the {kind} path was {result['route']['kind']} and ended as {outcome.status}:\n"
            f"{outcome.output[-3000:]}"
        )
    return time.monotonic() - start


def main() -> None:
    if sys.argv[1:] == ["paths"]:
        return print(json.dumps(paths()))
    inside = [
        str(REPOSITORY / "build/environment"),
        "pipeline",
        "python",
        "-m",
        "tests.bench.delivery",
        "paths",
    ]
    took = json.loads(
        subprocess.run(inside, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()[
            -1
        ]
    )
    print(
        f"full without its images {took['full']:.1f} s, partial {took['partial']:.1f} s", flush=True
    )
    images = built()
    print(f"images from nothing {images:.1f} s, full {images + took['full']:.1f} s")
    print(f"ratio {took['partial'] / (images + took['full']):.2f}")


if __name__ == "__main__":
    main()
