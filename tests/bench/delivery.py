"""Time both paths of a delivery, from a push to its record: everything with its images built from nothing, then a model's edit.

Around them stand the stand-ins of the delivery's rehearsal; the images are built for real, by build/image, without any cache of layers, as
on Cloud Build, where every build begins on a new machine. The last line is the partial path's time over the full one's.
"""

import os
import subprocess
import tempfile
import time
from pathlib import Path

from settings import REPOSITORY
from tests.pipeline.delivery.scratch import Scratch, project

EDITED = "pipeline/models/taxi/model.py"


def seconds(scratch: Scratch, kind: str) -> float:
    """From the push of what is on main to the end of the build that it starts."""
    start = time.monotonic()
    done = scratch.push()
    outcome = scratch.ended(done["build"]["id"], patience_seconds=3600)
    took = time.monotonic() - start
    if (done["route"]["kind"], outcome.status) != (kind, "SUCCESS"):
        raise SystemExit(f"the {kind} path was {done['route']['kind']} and ended as {outcome.status}:\n{outcome.output[-3000:]}")
    print(f"{kind}: {took:.1f} s", flush=True)
    return took


def main() -> None:
    with tempfile.TemporaryDirectory() as place, project(Path(place)) as scratch:
        images = f"{place}/images"
        scratch.environment["DOCKER_STANDIN_IMAGES"] = images
        scratch.stop_promotions()
        try:
            full = seconds(scratch, "full")
        finally:
            subprocess.run([REPOSITORY / "build/image", "--clean"], env=os.environ | {"XDG_CACHE_HOME": images}, check=True)
        scratch.edit(EDITED)
        partial = seconds(scratch, "partial")
    print(f"ratio {partial / full:.2f}")


if __name__ == "__main__":
    main()
