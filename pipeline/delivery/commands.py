"""What the delivery's verbs print and which code they end with; the work is done by the modules beside this one."""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from environments import ENVIRONMENTS
from pipeline.delivery.record import SupersededError
from pipeline.delivery.verbs import sentence, told
from pipeline.errors import ConfigurationError
from pipeline.progress import Progress
from settings import REPOSITORY, Settings

DONE, FAILED, NO = 0, 1, 3


def environment(name: str) -> Settings:
    if name not in ENVIRONMENTS:
        raise ConfigurationError(f"--env is {name!r}, allowed are {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[name]


def source_of(settings: Settings) -> Settings:
    if settings.promotes_from is None:
        raise ConfigurationError(f"--env is {settings.stage!r}, which promotes from no other: allowed are the stages with a promotes_from")
    return ENVIRONMENTS[settings.promotes_from]


def push(options: argparse.Namespace) -> int:
    from pipeline.delivery import push as pushing

    settings = environment(options.env)
    if options.models != "all" and not (options.retrain or options.promote):
        raise ConfigurationError(
            f"--models is {options.models!r}, allowed with --retrain and --promote alone: the changes say what is delivered"
        )
    if options.commit and not options.promote:
        raise ConfigurationError(f"--commit is {options.commit!r}, allowed with --promote alone: --head names what is delivered")
    if options.retrain:
        builds = pushing.retrain(settings, options.models)
        text = "\n".join(f"{', '.join(models)}: {build.url}" for models, build in builds) or "nothing is delivered yet"
        return _tell(options, text, [{"models": models, "build": asdict(build)} for models, build in builds])
    if options.promote:
        build = pushing.promote(source_of(settings), settings, options.commit, options.models)
        return _tell(options, build.url, {"build": asdict(build)})
    done = pushing.push(settings, REPOSITORY, options.head, again=options.again)
    parts = [done.said, sentence(done.route) if done.route else "", done.build.url if done.build else ""]
    route = told(done.route) if done.route else None
    result = {"started": done.started, "said": done.said, "route": route, "build": asdict(done.build) if done.build else None}
    return _tell(options, "\n".join(part for part in parts if part), result)


def deliver(options: argparse.Namespace) -> int:
    settings = environment(options.env)
    from pipeline.delivery import deliver as delivering
    from pipeline.delivery import promote as promoting

    models = delivering.asked_models(options.models)
    try:
        with Progress(sys.stderr) as progress:
            if settings.promotes_from is None or promoting.is_there(source_of(settings), settings, options.commit, models):
                verdicts = delivering.deliver(settings, options.commit, models, options.tag, progress)
            else:
                verdicts = promoting.promote(source_of(settings), settings, options.commit, models, progress)
    except SupersededError as superseded:
        return _tell(options, f"nothing is left to do: {superseded}", [])
    return _verdicts(options, verdicts)


def release(options: argparse.Namespace) -> int:
    return RELEASES[options.action](options, environment(options.env))


def _promote(options: argparse.Namespace, settings: Settings) -> int:
    from pipeline.delivery import deliver as delivering
    from pipeline.delivery.promote import promote

    source, models = source_of(settings), delivering.asked_models(options.models)
    with Progress(sys.stderr) as progress:
        return _verdicts(options, promote(source, settings, options.commit, models, progress))


def _rollback(options: argparse.Namespace, settings: Settings) -> int:
    from pipeline.delivery import release as releasing

    with Progress(sys.stderr) as progress:
        back = releasing.rollback(settings, options.model, progress)
    text = f"{options.model} is back at version {back.registry_version}, of {back.commit[:12]}"
    return _tell(options, text, {"model": options.model, "version": back.registry_version, "commit": back.commit})


def _refresh(options: argparse.Namespace, settings: Settings) -> int:
    from pipeline.delivery import release as releasing

    with Progress(sys.stderr) as progress:
        fresh = releasing.refresh(settings, options.model, progress)
    if fresh is None:
        return _tell(options, f"{options.model} has the newest serving image already", {"model": options.model, "version": None})
    text = f"{options.model} serves version {fresh.registry_version}, behind {fresh.images.serving}"
    return _tell(options, text, {"model": options.model, "version": fresh.registry_version})


def _undeploy(options: argparse.Namespace, settings: Settings) -> int:
    from pipeline.delivery import release as releasing

    if options.keep < 0:
        raise ConfigurationError(f"--keep is {options.keep}, allowed is 0 or more")
    releasing.known_model(options.model)
    with Progress(sys.stderr) as progress:
        gone = releasing.undeploy(settings, options.model, options.keep, progress)
    return _tell(options, f"undeployed: {', '.join(gone) or 'nothing'}", {"model": options.model, "undeployed": gone})


def load(options: argparse.Namespace) -> int:
    settings = environment(options.env)
    from pipeline import libraries
    from pipeline.delivery import load_data

    models = load_data.chosen(options.models)
    libraries.load()
    loaded = load_data.load(models, settings, lambda line: print(line, file=sys.stderr, flush=True))
    lines = [f"{one.table}: {one.rows:,} rows, in {one.seconds:.1f} s" for one in loaded]
    text = "\n".join(lines) or "no model's query.sql asks for @table: there is nothing to load"
    print(json.dumps([asdict(one) for one in loaded]) if options.json else text)
    return DONE


def _verdicts(options: argparse.Namespace, verdicts: list[Any]) -> int:
    lines = [f"{verdict.model}: {verdict.state}: {verdict.reason}" for verdict in verdicts] or [
        "no model to deliver: the images are recorded"
    ]
    _tell(options, "\n".join(lines), [asdict(verdict) for verdict in verdicts])
    states = {verdict.state for verdict in verdicts}
    return FAILED if "failed" in states else NO if "not blessed" in states else DONE


def _tell(options: argparse.Namespace, text: str, result: Any) -> int:
    print(json.dumps(result, indent=2) if options.json else text)
    return DONE


RELEASES = {"promote": _promote, "rollback": _rollback, "refresh": _refresh, "undeploy": _undeploy}
VERBS: dict[str, Callable[[argparse.Namespace], int]] = {
    "push": push,
    "deliver": deliver,
    "release": release,
    "load-data": load,
}
