"""Synthesize every stack of every environment: cdktf.out/stacks/<stack>-<stage>/cdk.tf.json."""

import sys

from settings import SettingsError


def main() -> int:
    try:
        from environments import ENVIRONMENTS
    except SettingsError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2

    from cdktf import App

    from infra.synthesis import stand_up

    app = App()
    for settings in ENVIRONMENTS.values():
        stand_up(app, settings, ENVIRONMENTS)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
