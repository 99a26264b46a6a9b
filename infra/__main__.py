"""Synthesize every stack of every stage: cdktf.out/stacks/<stack>-<stage>/cdk.tf.json.

Terraform's lock file lies beside each, so that Terraform and the cdktf command line take the
provider by its hashes. Exit 0 when they are written, 1 when somebody else is at work in cdktf.out,
2 when environments.py is wrong.
"""

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

from infra import cdktf_out
from settings import REPOSITORY, Settings, SettingsError
from settings.stages import environments


def main() -> int:
    try:
        stages = environments()
    except SettingsError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2

    try:
        with cdktf_out.locked("synth"):
            warnings = synthesize(stages)
    except cdktf_out.LockedError as error:
        print(error, file=sys.stderr)
        return 1
    for warning in warnings:
        print(warning, file=sys.stderr)
    return 0


def synthesize(stages: Mapping[str, Settings], outdir: str | None = None) -> list[str]:
    """Write the stacks, and return what is to be said of those that an earlier synth left.

    Without `outdir` CDKTF decides, which follows its command line.
    """
    from cdktf import App

    from infra.synthesis import stand_up

    app = App(outdir=outdir)
    for settings in stages.values():
        stand_up(app, settings, stages)
    app.synth()
    folder = Path(app.outdir)
    used_stacks = cdktf_out.forget_others(folder)
    lock_providers(folder)
    return list(cdktf_out.warnings(used_stacks))


def lock_providers(synthesized: Path) -> None:
    for stack in synthesized.glob("stacks/*"):
        shutil.copyfile(REPOSITORY / "infra/terraform.lock.hcl", stack / ".terraform.lock.hcl")


if __name__ == "__main__":
    sys.exit(main())
