"""`release ACTION`: handles a delivered version by hand."""

import argparse
import sys
from typing import TYPE_CHECKING

from pipeline.cli import options as shared
from pipeline.cli.deliver import report_verdicts
from pipeline.errors import ConfigurationError

if TYPE_CHECKING:
    from pipeline.gcp.stage import Stage

HELP = "promote, rollback, refresh, undeploy and retire what was delivered, and its history"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    promote = actions.add_parser(
        "promote", help="what passed in the stage before: the same images and modules"
    )
    shared.add_stage(promote)
    shared.add_commit(promote)
    _add_action(actions, "rollback", "all traffic to the version before, at once")
    _add_action(actions, "refresh", "the same model behind the newest serving image")
    _add_action(actions, "retire", "no traffic and no machine any more: before its folder goes")
    _add_action(actions, "history", "each version's share of the traffic over time")
    undeploy = _add_action(actions, "undeploy", "take versions without traffic off their machines")
    undeploy.add_argument(
        "--keep",
        type=int,
        default=1,
        metavar="N",
        help="spare the newest N of them (default: 1)",
    )


def _add_action(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, help_text: str
) -> argparse.ArgumentParser:
    parser = actions.add_parser(name, help=help_text)
    shared.add_stage(parser)
    parser.add_argument("model", help="the name of a delivered model")
    return parser


def run(options: argparse.Namespace) -> int:
    return ACTIONS[options.action](options, shared.stage(options.env))


def _promote(options: argparse.Namespace, stage: "Stage") -> int:
    from pipeline.delivery.promotion import promote
    from pipeline.progress import Progress

    source, models = shared.stage_before(stage), shared.asked_models(options.models)
    with Progress(sys.stderr) as progress:
        rollout = shared.rollout(stage, options.commit, progress)
        verdicts = promote(rollout, source, models)
    return report_verdicts(options, verdicts)


def _rollback(options: argparse.Namespace, stage: "Stage") -> int:
    from pipeline.delivery import withdrawal
    from pipeline.delivery.integrity import shown
    from pipeline.progress import Progress

    with Progress(sys.stderr) as progress:
        record = withdrawal.rollback(stage, options.model, progress)
    version, commit = record.registry_version, record.commit
    digest = record.model_digest
    text = f"{options.model} is back at version {version}, of {commit[:12]}, {shown(digest)}"
    facts = {"model": options.model, "version": version, "commit": commit, "model_digest": digest}
    shared.report(options, text, facts)
    return shared.DONE


def _refresh(options: argparse.Namespace, stage: "Stage") -> int:
    from pipeline.delivery import releases
    from pipeline.delivery.integrity import shown
    from pipeline.progress import Progress

    with Progress(sys.stderr) as progress:
        record = releases.refresh(stage, options.model, progress)
    if record is None:
        text = f"{options.model} has the newest serving image already"
        shared.report(options, text, {"model": options.model, "version": None})
        return shared.DONE
    version, digest, image = record.registry_version, record.model_digest, record.images.serving
    text = f"{options.model} serves version {version}, {shown(digest)}, behind {image}"
    facts = {"model": options.model, "version": version, "model_digest": digest}
    shared.report(options, text, facts)
    return shared.DONE


def _undeploy(options: argparse.Namespace, stage: "Stage") -> int:
    from pipeline.delivery import withdrawal
    from pipeline.progress import Progress

    if options.keep < 0:
        raise ConfigurationError(f"--keep is {options.keep}, allowed is 0 or more")
    withdrawal.known_model(options.model)
    with Progress(sys.stderr) as progress:
        versions = withdrawal.undeploy(stage, options.model, options.keep, progress)
    text = f"undeployed: {', '.join(versions) or 'nothing'}"
    shared.report(options, text, {"model": options.model, "undeployed": versions})
    return shared.DONE


def _retire(options: argparse.Namespace, stage: "Stage") -> int:
    from pipeline.delivery import withdrawal
    from pipeline.progress import Progress

    model = options.model
    with Progress(sys.stderr) as progress:
        ids = withdrawal.retire(stage, model, progress)
    text = (
        f"{model} serves no more in {stage.name} (undeployed: {', '.join(ids) or 'nothing'}): "
        f"remove models/{model} once no stage serves it, or the next full delivery brings it back"
    )
    shared.report(options, text, {"model": model, "undeployed": ids})
    return shared.DONE


def _history(options: argparse.Namespace, stage: "Stage") -> int:
    from pipeline.delivery import history

    changes = history.read(stage, options.model)
    text = history.table(changes) or f"nothing is noted of {options.model} in {stage.name}"
    shared.report(options, text, [history.as_json(change) for change in changes])
    return shared.DONE


ACTIONS = {
    "promote": _promote,
    "rollback": _rollback,
    "refresh": _refresh,
    "undeploy": _undeploy,
    "retire": _retire,
    "history": _history,
}
