"""Plan, deploy, bootstrap and tear down one environment with plain Terraform, stack after stack.

    python -m infra.deploy.operations plan|deploy|bootstrap|teardown --env ENV

It stands on what `python -m infra` synthesized into cdktf.out. Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the plan is
not the one that was approved.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from infra.deploy import approval, state_bucket
from infra.deploy.approval import Actions
from infra.deploy.terraform import Stack, TerraformError, say
from infra.deploy.undeployment import undeploy_all
from infra.errors import RefusedError, UsageError
from settings import REPOSITORY, Settings, SettingsError

ORDER = ("foundation", "delivery", "serving", "monitoring")  # bootstrap is a person's alone
SYNTHESIZED = REPOSITORY / "cdktf.out" / "stacks"


def main(arguments: list[str]) -> int:
    asked = _parser().parse_args(arguments)
    try:
        settings = _settings(asked.env)
        asked.verb(settings, asked)
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
        say([f"{asked.env}: interrupted between two steps; what was made is in the state"])
        return 130
    return 0


def plan(settings: Settings, asked: argparse.Namespace) -> None:
    """What a deploy would change; with --out also as files, and then every stack is tried."""
    failed: list[str] = []
    actions: Actions = {}
    for stack in _stacks(settings):
        try:
            stack.init()
            with _planned(stack, f"-lock={asked.lock}") as (file, shown):
                text = stack.text(file)
        except TerraformError as error:
            if not asked.out:
                raise
            failed.append(str(error))
            _write(asked.out, f"{stack.name}.error.txt", f"{error}\n{error.output}")
            continue
        actions |= approval.actions(stack.name, shown)
        print(text, flush=True)
        if asked.out:
            _write(asked.out, f"{stack.name}.txt", text)
            _write(asked.out, f"{stack.name}.json", json.dumps(shown))
    if asked.out and not failed:
        _write(
            asked.out,
            f"{settings.stage}.actions.json",
            json.dumps(actions, indent=1, sort_keys=True),
        )
    print(f"{settings.stage}: {len(actions)} changes in {len(ORDER)} stacks")
    if failed:
        raise TerraformError(
            f"{len(failed)} of {len(ORDER)} stacks can't be planned: {'; '.join(failed)}"
        )


def deploy(settings: Settings, asked: argparse.Namespace) -> None:
    """Apply every stack but bootstrap in order, each exactly as planned; with --expect only what was approved."""
    stacks = _stacks(settings)
    approved = approval.read(asked.expect) if asked.expect else None
    if approved is not None:
        for stack in stacks:
            stack.init()
            with _planned(stack) as (_, shown):
                approval.compare(stack.name, shown, approved)
    for index, stack in enumerate(stacks):
        left = ", ".join(later.name for later in stacks[index + 1 :]) or "none"
        again = f"`make deploy env={settings.stage}` goes on from there"
        with _said_to_be_half_done(
            f"stacks not reached: {left}; what was made is in the state, so {again}"
        ):
            stack.init()
            _apply(stack, approved)
    _tell(stacks)


def bootstrap(settings: Settings, _: argparse.Namespace) -> None:
    """The state's bucket and everyone's identity, by a person; safe to repeat."""
    stack = _stack("bootstrap", settings)
    again = f"`make bootstrap env={settings.stage}` goes on from what was made"
    with _said_to_be_half_done(again):
        state_bucket.stand_up(
            stack,
            settings.names.bucket("state"),
            local=REPOSITORY / f"{stack.name}.tfstate",
            apply=_apply,
        )
    _tell([stack])


def teardown(settings: Settings, _: argparse.Namespace) -> None:
    """Destroy every stack but bootstrap, last one first; refused where settings say that the environment is kept."""
    if not settings.deletable:
        raise UsageError(
            f"environment {settings.stage} is not deletable: environments.py says so, and nothing was touched"
        )
    stacks = list(reversed(_stacks(settings)))
    if gone := undeploy_all(settings):
        print(f"{settings.stage}: {len(gone)} models undeployed")
    for index, stack in enumerate(stacks):
        standing = ", ".join(later.name for later in stacks[index:])
        with _said_to_be_half_done(
            f"still standing, at least in part: {standing}; `make teardown env={settings.stage}` goes on from there"
        ):
            stack.init()
            stack.destroy()
    print(
        f"{settings.stage}: nothing is left but bootstrap, which holds the state and CI's identities"
    )


def _apply(stack: Stack, approved: Actions | None = None) -> None:
    """Plan an initialized stack and apply just that plan."""
    print(f"{stack.name}: planning ...", flush=True)
    with _planned(stack) as (plan, shown):
        if approved is not None:
            approval.compare(stack.name, shown, approved)
        print(f"{stack.name}: {len(approval.actions(stack.name, shown))} changes", flush=True)
        stack.apply(plan)


@contextmanager
def _planned(stack: Stack, *options: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The plan's file, which is gone afterwards, and what `terraform show -json` tells of it."""
    with tempfile.TemporaryDirectory() as place:
        file = Path(place, "plan")
        stack.plan(file, *options)
        yield file, stack.show(file)


@contextmanager
def _said_to_be_half_done(what_then: str) -> Iterator[None]:
    try:
        yield
    except TerraformError as error:
        raise TerraformError(f"{error}; {what_then}", error.output) from None


def _stacks(settings: Settings) -> list[Stack]:
    return [_stack(name, settings) for name in ORDER]


def _stack(name: str, settings: Settings) -> Stack:
    folder = SYNTHESIZED / f"{name}-{settings.stage}"
    if not (folder / "cdk.tf.json").exists():
        raise UsageError(f"{folder} holds no synthesized stack: run `make synth` first")
    return Stack(folder.name, folder)


def _settings(stage: str) -> Settings:
    try:
        from environments import ENVIRONMENTS
    except SettingsError as error:
        raise UsageError(f"environments.py: {error}") from None
    if stage not in ENVIRONMENTS:
        raise UsageError(f"env is {stage!r}, allowed are {', '.join(ENVIRONMENTS)}")
    return ENVIRONMENTS[stage]


def _tell(stacks: list[Stack]) -> None:
    width = shutil.get_terminal_size((120, 24)).columns
    for stack in stacks:
        for name, (value, about) in sorted(stack.outputs().items()):
            print(
                f"  {name.replace('_', ' '):28} {value}"
                + (f"\n  {'':28} {about}" if width > 100 and about else "")
            )


def _write(directory: Path, name: str, text: str) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / name).write_text(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m infra.deploy.operations")
    verbs = parser.add_subparsers(required=True, metavar="plan|deploy|bootstrap|teardown")
    for verb in (plan, deploy, bootstrap, teardown):
        one = verbs.add_parser(verb.__name__, help=verb.__doc__)
        one.add_argument("--env", required=True)
        one.set_defaults(verb=verb)
    verbs.choices["plan"].add_argument("--lock", choices=("true", "false"), default="true")
    verbs.choices["plan"].add_argument("--out", type=Path)
    verbs.choices["deploy"].add_argument("--expect", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
