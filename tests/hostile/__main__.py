"""`make hostile`: generated inputs of every kind, each to end in an answer or in one sentence."""

import argparse
import random
import sys
import time

from tests.hostile import trial

HEAD = f"{'kind':<16} {'cases':>5} {'answers':>8} {'sentences':>10} {'failures':>9}"


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make hostile", description=__doc__)
    parser.add_argument("--seed", type=int, help="of the generated inputs (default: a new one)")
    parser.add_argument("--only", default="", metavar="KIND[:NUMBER]", help="a kind, or one case")
    parser.add_argument("--cases", type=int, default=40, help="a kind's (default: 40)")
    options = parser.parse_args(arguments)
    seed = random.randrange(10**6) if options.seed is None else options.seed
    kind, _, number = options.only.partition(":")
    if options.only and (kind not in trial.kinds() or not (number or "0").isdecimal()):
        kinds = ", ".join(trial.kinds())
        parser.error(f"--only is {options.only!r}, allowed are {kinds}, each with :NUMBER or not")
    print(f"seed={seed}", flush=True)
    tallies = []
    for name in [kind] if kind else trial.kinds():
        started = time.monotonic()
        only = int(number) if number else None
        tallies.append(trial.tried(name, seed=seed, count=options.cases, only=only))
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    print("\n".join([HEAD, *(tally.row() for tally in tallies)]))
    return _told(tallies, seed)


def _told(tallies: list[trial.Tally], seed: int) -> int:
    """Print each failure with the command that repeats it; return the exit code."""
    failures = [failure for tally in tallies for failure in tally.failures]
    for failure in failures:
        case, _, _ = failure.partition(" ")
        print(f"\n{failure}\n  again: make hostile seed={seed} only={case}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
