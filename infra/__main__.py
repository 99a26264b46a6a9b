"""Synthesize every stack of every stage: cdktf.out/stacks/<stack>-<stage>/cdk.tf.json."""

import sys

from settings import SettingsError
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
    return 0


if __name__ == "__main__":
    sys.exit(main())
