#!/usr/bin/env python3
"""A stand-in for apt-get in a step of a recipe: it changes the step's root to one with more.

What it installs is gone with the step, as it is on Cloud Build. It asks no network.
"""

import argparse
import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(REPOSITORY))

from tests.standins.cloud_build import roots  # noqa: E402

REFUSED = 100  # apt-get's own


def main(arguments: list[str]) -> int:
    options = parser().parse_args(arguments)
    if options.verb == "update":
        return 0
    held_packages = filter(roots.environment.installed, roots.KNOWN)
    try:
        root = roots.root_with({*held_packages, *options.packages})
    except roots.UnknownPackageError as error:
        print(f"E: Unable to locate package {error}", file=sys.stderr)
        return REFUSED
    roots.change_to(root)
    return 0


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="apt-get (a stand-in)", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True)
    update = verbs.add_parser("update", allow_abbrev=False)
    install = verbs.add_parser("install", allow_abbrev=False)
    install.add_argument("-y", action="store_true", required=True)  # nobody is there to ask
    install.add_argument("packages", nargs="+", metavar="package")
    for verb in (update, install):
        verb.add_argument("-qq", action="store_true")
    return top


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
