"""`route`: the reach of the changes between two commits.

It needs nothing but a Python and git.
"""

import argparse
import sys
from typing import TYPE_CHECKING

from pipeline.cli.options import DONE, add_json, report
from settings import REPOSITORY

if TYPE_CHECKING:
    from pipeline.delivery.route import Route

HELP = "what the changes between two commits reach: image, models, infrastructure"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_json(parser)
    parser.add_argument(
        "--base",
        metavar="REV",
        help="the commit that was last delivered (default: none was, so everything)",
    )
    parser.add_argument(
        "--head", metavar="REV", default="HEAD", help="the commit to deliver (default: HEAD)"
    )


def run(options: argparse.Namespace) -> int:
    from pipeline.delivery import git

    route, notice = git.routed(REPOSITORY, base=options.base, head=options.head)
    if notice:
        print(f"python -m pipeline route: {notice}", file=sys.stderr)
    report(options, sentence(route), as_json(route), indent=None)
    return DONE


def as_json(route: "Route") -> dict[str, object]:
    return {
        "image": route.image,
        "models": sorted(route.models),
        "removed": sorted(route.removed),
        "infrastructure": route.infrastructure,
        "kind": route.kind,
    }


def sentence(route: "Route") -> str:
    models = ", ".join(sorted(route.models))
    kinds = {
        "full": f"full: build the image, train {models or 'nothing'}",
        "partial": f"partial: train {models} in the image that is there",
        "none": "none: nothing to deliver",
    }
    parts = [kinds[route.kind]]
    if route.removed:
        parts.append(f"removed: {', '.join(sorted(route.removed))}")
    if route.infrastructure:
        parts.append("the infrastructure changes")
    return "; ".join(parts)
