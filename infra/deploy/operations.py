"""Plan, deploy, bootstrap and tear down one stage with plain Terraform, stack after stack.

    python -m infra.deploy.operations plan|deploy|bootstrap|teardown --env ENV

It stands on what `python -m infra` synthesized into cdktf.out. Exit codes: 0 done, 1 failed,
2 wrong usage or configuration, 3 the plan is not the one that was approved, or an endpoint that
serves would go.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra import addressees, cdktf_out
from infra.deploy import approval, removals, state_bucket
from infra.deploy.approval import Actions
from infra.deploy.terraform import Document, Stack, TerraformError, say
from infra.deploy.undeployment import undeploy_all
from infra.errors import RefusedError, UsageError
from infra.review import machines, prices
from infra.review.prices import Prices
from infra.stage_choice import chosen_stage
from settings import REPOSITORY, Settings, model_names

ORDER = ("foundation", "delivery", "serving", "monitoring")  # bootstrap is a person's alone
SYNTHESIZED = cdktf_out.FOLDER / "stacks"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    try:
        settings = chosen_stage(options.env)
        with cdktf_out.locked(f"{options.verb.__name__} {options.env}"):
            options.verb(settings, options)
    except cdktf_out.LockedError as error:
        say([str(error)])
        return 1
    except UsageError as error:
        say([str(error)])
        return 2
    except RefusedError as error:
        say([str(error)])
        return 3
    except TerraformError as error:
        say([error.output] if error.output else [])
        say([str(error)])
        return 1
    except KeyboardInterrupt:
        say([f"{options.env}: interrupted between two steps; what was made is in the state"])
        return 130
    return 0


def plan(settings: Settings, options: argparse.Namespace) -> None:
    """What a deploy would change; with --out also as files, and then every stack is tried."""
    team_prices = prices.read(settings.region)
    failures: list[str] = []
    actions: Actions = {}
    now: Counter[str] = Counter()
    for stack in _stacks(settings):
        try:
            stack.init()
            with _planned(stack, f"-lock={options.lock}") as (file, document):
                removals.check(document, settings)
                text = stack.text(file)
        except (TerraformError, RefusedError) as error:
            if not options.out:  # with it, the stacks that can be planned are still shown
                raise
            failures.append(str(error))
            output = getattr(error, "output", "")
            _write(options.out, f"{stack.name}.error.txt", f"{error}\n{output}")
            continue
        actions |= approval.actions(stack.name, document)
        now += machines.running(document)
        print(text, flush=True)
        if options.out:
            _write(options.out, f"{stack.name}.txt", text)
            _write(options.out, f"{stack.name}.json", json.dumps(document))
    if options.out and not failures:
        _write_whole(options.out, settings.stage, actions, now)
    _tell_standing(settings, None if failures else now, team_prices)
    print(f"{settings.stage}: {len(actions)} changes in {len(ORDER)} stacks")
    if failures:
        reasons = "; ".join(failures)
        raise TerraformError(f"{len(failures)} of {len(ORDER)} stacks can't be planned: {reasons}")


def _write_whole(directory: Path, stage: str, actions: Actions, now: Counter[str]) -> None:
    """Write the files of a completely planned stage."""
    actions_json = json.dumps(actions, indent=1, sort_keys=True)
    _write(directory, f"{stage}.actions.json", actions_json)
    _write(directory, machines.file_name(stage), json.dumps(now))


def _tell_standing(
    settings: Settings, now: Counter[str] | None, team_prices: Prices | None
) -> None:
    """Print a stage's standing machines and missing addressees: no plan shows either."""
    stage = settings.stage
    standing_machines = machines.of_stage(settings, model_names(), SYNTHESIZED)
    print(f"{stage}: runs all the time, once its models are delivered:")
    for sentence in machines.sentences(standing_machines, now, team_prices):
        print(f"  {sentence}")
    if gap := addressees.gap(settings):
        print(f"{stage}: {gap}")


def deploy(settings: Settings, options: argparse.Namespace) -> None:
    """Apply every stack but bootstrap in order, each exactly as planned.

    With --expect it applies only what was approved.
    """
    stacks = _stacks(settings)
    approved_actions = approval.read(options.expect) if options.expect else None
    if approved_actions is None:
        _check_removals(settings)
    else:
        for stack in stacks:
            stack.init()
            with _planned(stack) as (_, document):
                removals.check(document, settings)
                approval.compare(stack.name, document, approved_actions)
    for index, stack in enumerate(stacks):
        remainder = ", ".join(later.name for later in stacks[index + 1 :]) or "none"
        next_step = f"`make deploy env={settings.stage}` goes on from there"
        with _with_next_step(
            f"stacks not reached: {remainder}; what was made is in the state, so {next_step}"
        ):
            stack.init()
            _apply(stack, approved_actions)
    _tell(stacks)


def bootstrap(settings: Settings, _: argparse.Namespace) -> None:
    """The state's bucket and everyone's identity, by a person; safe to repeat."""
    stack = _stack("bootstrap", settings)
    next_step = f"`make bootstrap env={settings.stage}` goes on from what was made"
    with _with_next_step(next_step):
        state_bucket.stand_up(
            stack,
            settings.names.bucket("state"),
            local=REPOSITORY / f"{stack.name}.tfstate",
            apply=_apply,
        )
    _tell([stack])


def teardown(settings: Settings, _: argparse.Namespace) -> None:
    """Destroy every stack but bootstrap, last one first; refused for a stage that is kept."""
    if not settings.deletable:
        raise UsageError(
            f"stage {settings.stage} is not deletable: "
            "environments.py says so, and nothing was touched"
        )
    stacks = list(reversed(_stacks(settings)))
    if model_ids := undeploy_all(settings):
        print(f"{settings.stage}: {len(model_ids)} models undeployed")
    for index, stack in enumerate(stacks):
        remainder = ", ".join(later.name for later in stacks[index:])
        with _with_next_step(
            f"still standing, at least in part: {remainder}; "
            f"`make teardown env={settings.stage}` goes on from there"
        ):
            stack.init()
            stack.destroy()
    print(
        f"{settings.stage}: nothing is left but bootstrap, "
        "which holds the state and CI's identities"
    )


def _check_removals(settings: Settings) -> None:
    """Raise RefusedError before anything is applied, if an endpoint to go serves.

    Only the serving stack holds endpoints; before its first deploy there is nothing to ask.
    """
    serving = _stack("serving", settings)
    serving.init()
    if not serving.in_state():
        return
    with _planned(serving) as (_, document):
        removals.check(document, settings)


def _apply(stack: Stack, approved_actions: Actions | None = None) -> None:
    """Plan an initialized stack and apply exactly this plan."""
    print(f"{stack.name}: planning ...", flush=True)
    with _planned(stack) as (plan, document):
        if approved_actions is not None:
            approval.compare(stack.name, document, approved_actions)
        actions = approval.actions(stack.name, document)
        print(f"{stack.name}: {len(actions)} changes", flush=True)
        stack.apply(plan)


@contextmanager
def _planned(stack: Stack, *options: str) -> Iterator[tuple[Path, Document]]:
    """Yield the plan's file and its JSON, by `terraform show -json`.

    The file is gone afterwards.
    """
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "plan")
        stack.plan(file, *options)
        yield file, stack.show(file)


@contextmanager
def _with_next_step(next_step: str) -> Iterator[None]:
    try:
        yield
    except TerraformError as error:
        raise TerraformError(f"{error}; {next_step}", error.output) from None


def _stacks(settings: Settings) -> list[Stack]:
    return [_stack(name, settings) for name in ORDER]


def _stack(name: str, settings: Settings) -> Stack:
    folder = SYNTHESIZED / f"{name}-{settings.stage}"
    if not (folder / cdktf_out.CONFIGURATION).exists():
        raise UsageError(f"{folder} holds no synthesized stack: run `make synth` first")
    return Stack(folder.name, folder)


def _tell(stacks: list[Stack]) -> None:
    width = shutil.get_terminal_size((120, 24)).columns
    for stack in stacks:
        outputs = sorted(stack.outputs().items())
        for name, (value, description) in outputs:
            label = name.replace("_", " ")
            print(f"  {label:28} {value}")
            if width > 100 and description:
                print(f"  {'':28} {description}")


def _write(directory: Path, name: str, text: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text, encoding="utf-8")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.operations")
    verbs = parser.add_subparsers(required=True, metavar="plan|deploy|bootstrap|teardown")
    for verb in (plan, deploy, bootstrap, teardown):
        command = verbs.add_parser(verb.__name__, help=verb.__doc__)
        command.add_argument("--env", required=True)
        command.set_defaults(verb=verb)
    plan_parser, deploy_parser = verbs.choices["plan"], verbs.choices["deploy"]
    plan_parser.add_argument("--lock", choices=("true", "false"), default="true")
    plan_parser.add_argument("--out", type=Path)
    deploy_parser.add_argument("--expect", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
