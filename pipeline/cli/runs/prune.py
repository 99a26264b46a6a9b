"""`runs prune`: removes old runs, with all that only they left."""

import argparse
import difflib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import DONE, FAILED
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.experiments.prune.removal import Outcome

HELP = "remove old runs, or say which would go; spares what is served, blessed, young or kept"
KEEP = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keep",
        type=int,
        default=KEEP,
        metavar="N",
        help=f"spare each model's newest N runs (default: {KEEP})",
    )
    parser.add_argument("--model", metavar="NAME", help="only this model's runs (default: all)")
    parser.add_argument("--yes", action="store_true", help="remove them; without it nothing is")


def run(options: argparse.Namespace) -> int:
    from datetime import UTC, datetime

    from pipeline import places
    from pipeline.experiments.prune import removal
    from pipeline.experiments.prune.plan import Rules

    if options.keep < 1:
        raise ConfigurationError(f"--keep is {options.keep}, allowed are 1 and more")
    runs = places.folder(options.runs, "--runs")
    models = removal.models(runs)
    if options.model is not None and options.model not in models:
        raise ConfigurationError(_unknown(options.model, models))
    rules = Rules(keep=options.keep, now=datetime.now(UTC))
    work = removal.remove if options.yes and models else removal.look
    outcome = work(runs, rules, options.model)
    for sentence in (*outcome.problems, *outcome.refusals):
        print(sentence, file=sys.stderr)
    if options.json:
        print(json.dumps(_document(options, outcome), indent=2))
    elif not outcome.spared and not outcome.going and not outcome.unfinished:
        print(f"no run yet in {places.shown(runs)}")
    else:
        _show(options, outcome)
    return FAILED if options.yes and outcome.refusals else DONE


def _unknown(model: str, models: list[str]) -> str:
    nearest = difflib.get_close_matches(model, models, n=3, cutoff=0.4) or models[:3]
    allowed = f"the nearest are {', '.join(nearest)}" if nearest else "there is no run yet"
    return f"--model is {model!r:.80}, which has no run here: {allowed}"


def _document(options: argparse.Namespace, outcome: "Outcome") -> dict[str, Any]:
    going = [{"run": each.run, "model": each.model, "bytes": each.size} for each in outcome.going]
    return {
        "removed": options.yes,
        "keep": options.keep,
        "runs": going,
        "bytes": sum(each.size for each in outcome.going),
        "spared": [{"run": run, "reasons": why} for run, why in sorted(outcome.spared.items())],
        "finished" if options.yes else "unfinished": outcome.unfinished,
        "problems": [*outcome.problems, *outcome.refusals],
    }


def _show(options: argparse.Namespace, outcome: "Outcome") -> None:
    for each in outcome.going:
        print(f"{each.run}\t{each.size:,} bytes")
    size = sum(each.size for each in outcome.going)
    words = "went, which freed" if options.yes else "would go, which frees"
    count = len(outcome.going)
    print(f"{count:,} run{'s' * (count != 1)} {words} {size:,} bytes", end="")
    print("" if options.yes or not count else "; --yes removes them")
    if outcome.unfinished:
        told = "was finished" if options.yes else "is to be finished, --yes does"
        print(f"an earlier removal of {len(outcome.unfinished):,} {told}")
    counts = Counter(reasons[0] for reasons in outcome.spared.values())
    for reason, number in counts.most_common():
        print(f"{number:,} spared: {reason}")
