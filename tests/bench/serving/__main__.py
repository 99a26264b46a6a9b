"""Time our server beside Vertex's custom prediction routines and FastAPI.

All answer the same requests of the same model in short rounds, in turn; a figure is the
median of its rounds. The peers ask the stock signature; each has a venv of its own, one process
and the settings that it comes with. wrk is the generator, on loopback and with connections that
are kept. The last line is our answers a second at 16 connections over the better peer's.

`python3 -m tests.bench.serving` runs outside of the locked venv, where wrk is, and runs the servers
inside.
"""

import argparse
import contextlib
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pipeline.serving import saved_model
from settings import REPOSITORY
from tests.bench.serving import load, servers, venvs
from tests.bench.serving.cold_start import report_cold_starts
from tests.bench.serving.figures import Figures
from tests.bench.serving.measurement import measure_all
from tests.bench.serving.report import report
from tests.bench.serving.requests import Bodies
from tests.bench.serving.servers import Server

RUNS = REPOSITORY / "runs"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3, help="of each load in a round")
    parser.add_argument("--model", type=Path, help="a taxi model's folder, else the newest here")
    parser.add_argument("--before", help="a commit whose cold start is measured as well")
    options = parser.parse_args()
    load.need_wrk()
    venvs.prepare()
    model = (options.model or published_taxi()).resolve()
    figures = Figures()
    with tempfile.TemporaryDirectory() as place, running(model) as all_servers:
        bodies = Bodies(Path(place), model)
        for number in range(1, options.rounds + 1):
            measure_all(all_servers, bodies, options.seconds, figures)
            print(f"round {number} of {options.rounds}", file=sys.stderr, flush=True)
    report(figures)
    report_cold_starts(model, options.before, options.rounds)
    print(f"ratio {figures.ratio('rate 16'):.1f}")


def published_taxi() -> Path:
    """The newest taxi model of this checkout, trained where there is none."""
    published = RUNS / "store/taxi/published"
    if saved_model.newest(published) is None:
        command = ["python3", "-m", "pipeline", "run", "taxi", "--runs", str(RUNS)]
        subprocess.run(command, cwd=REPOSITORY, check=True)
    model = saved_model.newest(published)
    if model is None:
        raise SystemExit(f"no taxi model is published in {published}")
    return model


@contextlib.contextmanager
def running(model: Path) -> Iterator[list[Server]]:
    """Ours and its peers, healthy."""
    with (
        servers.ours(model) as ours,
        servers.logged(model) as logged,
        servers.routines(model) as routines,
        servers.fastapi(model) as fastapi,
    ):
        all_servers = [ours, logged, routines, fastapi]
        for server in all_servers:
            server.wait()
        yield all_servers


if __name__ == "__main__":
    main()
