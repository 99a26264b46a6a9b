"""What each verb of the delivery does; this file is light, so that `route` needs nothing but a Python and git."""

import argparse
import json
import sys
from collections.abc import Callable

from pipeline.delivery import history
from pipeline.delivery.route import Route
from settings import REPOSITORY


def route(options: argparse.Namespace) -> int:
    found, notice = history.routed(REPOSITORY, base=options.base, head=options.head)
    if notice:
        print(f"python -m pipeline route: {notice}", file=sys.stderr)
    print(json.dumps(told(found)) if options.json else sentence(found))
    return 0


VERBS: dict[str, Callable[[argparse.Namespace], int]] = {"route": route}


def told(route: Route) -> dict[str, object]:
    return {
        "image": route.image,
        "models": sorted(route.models),
        "removed": sorted(route.removed),
        "infrastructure": route.infrastructure,
        "kind": route.kind,
    }


def sentence(route: Route) -> str:
    models = ", ".join(sorted(route.models))
    parts = [
        {
            "full": f"full: build the image, train {models or 'nothing'}",
            "partial": f"partial: train {models} in the image that is there",
            "none": "none: nothing to deliver",
        }[route.kind]
    ]
    if route.removed:
        parts.append(f"removed: {', '.join(sorted(route.removed))}")
    if route.infrastructure:
        parts.append("the infrastructure changes")
    return "; ".join(parts)
