"""Synthesize every stack of every stage: cdktf.out/stacks/<stack>-<stage>/cdk.tf.json.

Terraform's lock file lies beside each, so that Terraform and the cdktf command line take the
provider by its hashes.
"""

import shutil
import sys
from pathlib import Path

from settings import REPOSITORY, SettingsError
from settings.stages import environments


def main() -> int:
    try:
        stages = environments()
    except SettingsError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2

    from cdktf import App

    from infra.synthesis import stand_up

    app = App()
    for settings in stages.values():
        stand_up(app, settings, stages)
    app.synth()
    lock_providers(Path(app.outdir))
    return 0


def lock_providers(synthesized: Path) -> None:
    for stack in synthesized.glob("stacks/*"):
        shutil.copyfile(REPOSITORY / "infra/terraform.lock.hcl", stack / ".terraform.lock.hcl")


if __name__ == "__main__":
    sys.exit(main())
