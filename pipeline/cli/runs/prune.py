"""`runs prune`: removes old runs, with all that only they left."""

import argparse
import difflib
import json
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline.cli.options import DONE, FAILED
from pipeline.errors import ConfigurationError
from settings.values import shown

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
    _check_model(options.model, models)
    rules = Rules(keep=options.keep, now=datetime.now(UTC))
    work = removal.remove if options.yes and models else removal.look
    outcome = work(runs, rules, options.model)
    for sentence in (*outcome.problems, *outcome.refusals):
        print(sentence, file=sys.stderr)
    if options.json:
        document = _document(options, outcome)
        print(json.dumps(document, indent=2))
    elif outcome.is_empty:
        print(f"no run yet in {places.shown(runs)}")
    else:
        _show(options.yes, outcome)
    return FAILED if options.yes and outcome.refusals else DONE


def _check_model(model: str | None, models: list[str]) -> None:
    """Raise ConfigurationError for a model without a run, naming the nearest."""
    if model is None or model in models:
        return
    nearest = difflib.get_close_matches(model, models, n=3, cutoff=0.4) or models[:3]
    names = ", ".join(nearest)
    allowed = f"the nearest are {names}" if nearest else "there is no run yet"
    raise ConfigurationError(f"--model is {shown(model)}, which has no run here: {allowed}")


def _document(options: argparse.Namespace, outcome: "Outcome") -> dict[str, Any]:
    going = []
    for each in outcome.going:
        going.append({"run": each.run, "model": each.model, "bytes": each.size})
    spared = []
    for run, reasons in sorted(outcome.spared.items()):
        spared.append({"run": run, "reasons": reasons})
    return {
        "removed": options.yes,
        "keep": options.keep,
        "runs": going,
        "bytes": outcome.size,
        "spared": spared,
        "finished": outcome.finished,
        "unfinished": outcome.unfinished,
        "problems": [*outcome.problems, *outcome.refusals],
    }


def _show(is_removed: bool, outcome: "Outcome") -> None:
    for each in outcome.going:
        print(f"{each.run}\t{each.size:,} bytes")
    words = "went, which freed" if is_removed else "would go, which frees"
    runs = _counted(len(outcome.going))
    print(f"{runs} {words} {outcome.size:,} bytes")
    if outcome.finished:
        print(f"an earlier removal of {_counted(len(outcome.finished))} was finished")
    if outcome.unfinished:
        begun = _counted(len(outcome.unfinished))
        print(f"a removal of {begun} has begun and is to be finished by --yes")
    counts = Counter(reason for reason, *_ in outcome.spared.values())
    for reason, count in counts.most_common():
        print(f"{count:,} spared: {reason}")
    if not is_removed and (outcome.going or outcome.unfinished):
        print("nothing is removed without --yes")


def _counted(count: int) -> str:
    return "1 run" if count == 1 else f"{count:,} runs"
