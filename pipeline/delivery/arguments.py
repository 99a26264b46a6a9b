"""The delivery's verbs as the command line parses them; light, since every call of it reads this."""

import argparse
from typing import Any

VERBS = ("push", "deliver", "release", "load-data")  # those that take the locked environment


def add_to(verbs: Any, reporting: argparse.ArgumentParser) -> None:
    environment = argparse.ArgumentParser(add_help=False, parents=[reporting])
    environment.add_argument("--env", required=True, help="an environment of environments.py")
    commit = argparse.ArgumentParser(add_help=False)
    commit.add_argument("--commit", required=True, metavar="SHA", help="the whole hash of the commit, which must be checked out")
    commit.add_argument("--models", required=True, help="all, none, or names joined by commas")

    route = verbs.add_parser("route", parents=[reporting], help="what the changes between two commits reach: image, models, infrastructure")
    route.add_argument("--base", metavar="REV", help="the commit that was last delivered (default: none was, so everything)")
    route.add_argument("--head", metavar="REV", default="HEAD", help="the commit to deliver (default: HEAD)")
    push = verbs.add_parser(
        "push", parents=[environment], help="hand a commit of the default branch to the trigger that delivers what has changed"
    )
    push.add_argument("--head", metavar="REV", default="HEAD", help="the commit to deliver (default: HEAD)")
    instead = push.add_mutually_exclusive_group()
    instead.add_argument("--again", action="store_true", help="also where this commit was pushed before")
    instead.add_argument("--retrain", action="store_true", help="instead: what is recorded of --models, once more on newer data")
    instead.add_argument("--promote", action="store_true", help="instead: --models at --commit, as the stage before has delivered them")
    push.add_argument("--commit", metavar="SHA", help="with --promote: the whole hash of the commit")
    push.add_argument("--models", default="all", help="with --retrain and --promote: names joined by commas (default: all)")
    deliver = verbs.add_parser(
        "deliver", parents=[environment, commit], help="what a trigger runs: publish, compile, submit, wait, release, record"
    )
    deliver.add_argument("--tag", help="of the images to deliver in (default: the images that the record names)")
    _add_release(verbs, environment, commit)
    load = verbs.add_parser(
        "load-data", parents=[environment], help="fill the BigQuery tables that models train from, from their local data"
    )
    load.add_argument("models", nargs="*", metavar="model", help="names or paths (default: all models that need a table)")


def _add_release(verbs: Any, environment: argparse.ArgumentParser, commit: argparse.ArgumentParser) -> None:
    release = verbs.add_parser("release", help="promote, rollback, refresh and undeploy what was delivered")
    actions = release.add_subparsers(dest="action", required=True, metavar="ACTION")
    model = argparse.ArgumentParser(add_help=False)
    model.add_argument("model", help="the name of a delivered model")
    actions.add_parser("promote", parents=[environment, commit], help="what passed in the stage before: the same images and modules")
    actions.add_parser("rollback", parents=[environment, model], help="all traffic to the version before, at once")
    actions.add_parser("refresh", parents=[environment, model], help="the same model behind the newest serving image")
    undeploy = actions.add_parser("undeploy", parents=[environment, model], help="take versions without traffic off their machines")
    undeploy.add_argument("--keep", type=int, default=1, metavar="N", help="spare the newest N of them (default: 1)")
