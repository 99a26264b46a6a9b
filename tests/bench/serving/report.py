"""The table of the figures, and the proportions that the bars are set for."""

from tests.bench.serving.figures import LOGGED, OURS, Figures
from tests.bench.serving.measurement import CONNECTIONS

HEAD = "server    connections   req/s  p50 ms  p99 ms  server's cpu µs a request"


def report(figures: Figures) -> None:
    print(HEAD)
    for name in figures.names:
        for connections in CONNECTIONS:
            print(line(figures, name, connections))
    for name in figures.names:
        rows = figures.median(name, "rows")
        print(f"{name:<9} {rows:7.0f} rows a second, a thousand a request")
    print(f"rows a second are {figures.ratio('rows'):.1f} of the better peer's")
    logged_ratio = figures.ratio("rate 16", LOGGED)
    print(f"with 10 % of the requests logged, {logged_ratio:.1f} of the better peer's at 16")
    print(bare_line(figures))
    print(mixed_line(figures))


def line(figures: Figures, name: str, connections: int) -> str:
    rate = figures.median(name, f"rate {connections}")
    p50 = figures.median(name, f"p50 {connections}")
    p99 = figures.median(name, f"p99 {connections}")
    cpu = figures.median(name, f"cpu {connections}")
    return f"{name:<9} {connections:11} {rate:7.0f} {p50:7.2f} {p99:7.2f} {cpu:26.0f}"


def bare_line(figures: Figures) -> str:
    bare = figures.ours("bare")
    p50 = figures.ours("p50 1")
    proportion = p50 / bare
    return f"bare session call {bare:.2f} ms, p50 at one connection is {proportion:.2f} of it"


def mixed_line(figures: Figures) -> str:
    alone = figures.median(OURS, "alone")
    beside = figures.median(OURS, "beside")
    proportion = beside / alone
    return (
        f"p99 of singles at a quarter of the peak {alone:.1f} ms, "
        f"beside large requests {beside:.1f} ms, {proportion:.1f} of it"
    )
