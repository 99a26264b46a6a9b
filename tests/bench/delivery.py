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
IMAGE_BUILDER = str(REPOSITORY / "build/image")
VENV = str(REPOSITORY / "build/environment")
PATIENCE_SECONDS = 3600


def built() -> float:
    """Seconds to build every image from nothing."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {"XDG_CACHE_HOME": cache}
        start = time.monotonic()
        try:
            subprocess.run([IMAGE_BUILDER], env=environment, check=True)
            return time.monotonic() - start
        finally:
            subprocess.run([IMAGE_BUILDER, "--clean"], env=environment, check=True)


def paths() -> dict[str, float]:
    """Seconds of each path, by its kind."""
    from tests.pipeline.scenarios.scratch import project

    with tempfile.TemporaryDirectory() as place, project(Path(place)) as scratch:
        scratch.stop_promotions()
        full = seconds(scratch, "full")
        scratch.edit(EDITED)
        partial = seconds(scratch, "partial")
        return {"full": full, "partial": partial}


def seconds(scratch: Any, kind: str) -> float:
    """From a push of main's commit to the end of its build."""
    start = time.monotonic()
    result = scratch.push()
    build = result["build"]
    outcome = scratch.ended(build["id"], patience_seconds=PATIENCE_SECONDS)
    path = result["route"]["kind"]
    if (path, outcome.status) != (kind, "SUCCESS"):
        output = outcome.output[-3000:]
        raise SystemExit(f"the {kind} path was {path} and ended as {outcome.status}:\n{output}")
    return time.monotonic() - start


def main() -> None:
    if sys.argv[1:] == ["paths"]:
        durations = paths()
        print(json.dumps(durations))
    else:
        report()


def report() -> None:
    durations = paths_in_venv()
    full = durations["full"]
    partial = durations["partial"]
    print(f"full without its images {full:.1f} s, partial {partial:.1f} s", flush=True)
    print(f"ratio without images {partial / full:.2f}", flush=True)
    images = built()
    full_with_images = images + full
    print(f"images from nothing {images:.1f} s, full {full_with_images:.1f} s")
    print(f"ratio {partial / full_with_images:.2f}")


def paths_in_venv() -> dict[str, float]:
    """The durations by `paths`, run in the locked venv."""
    command = [VENV, "pipeline", "python", "-m", "tests.bench.delivery", "paths"]
    process = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    *_, last = process.stdout.splitlines()
    return json.loads(last)


if __name__ == "__main__":
    main()
