"""Three times a server's peak for a minute, with a model slowed to 20 ms a batch.

Prints what was answered and shed, and how fast. `--records 1 --connections 64` makes HTTP the
limit, `--model-seconds 0` the model a fast one: the figures then have no bounds.
"""

import argparse
import sys

from tests.load.overload import CONNECTIONS, RECORDS, figures, overload
from tests.load.slowed_server import SECONDS
from tests.pipeline.serving.server_process import started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--records", type=int, default=RECORDS, help="in a request")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, help="for the peak")
    parser.add_argument("--model-seconds", type=float, default=SECONDS, help="for a batch")
    options = parser.parse_args()
    server = (sys.executable, "-m", "tests.load.slowed_server", options.model_seconds)
    with started(*server) as process:
        measured = overload(
            process.port,
            process.popen.pid,
            peak_seconds=5,
            seconds=options.seconds,
            records=options.records,
            connections=options.connections,
        )
    for line in figures(measured):
        print(line)


if __name__ == "__main__":
    main()
