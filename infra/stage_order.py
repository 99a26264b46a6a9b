"""Print the stages in the order of their deploys, as a job's outputs: `make stages`."""

import json
import sys
from collections.abc import Mapping

from settings import Settings, SettingsError
from settings.stages import environments


def main() -> int:
    try:
        stages = environments()
    except SettingsError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2
    first, later = first_and_later(stages)
    groups = {"first": first, "later": later, "all": first + later}
    for name, group in groups.items():
        group_json = json.dumps(group)
        print(f"{name}={group_json}")
    return 0


def first_and_later(environments: Mapping[str, Settings]) -> tuple[list[str], list[str]]:
    """Return the stages without a stage before them, and the later ones.

    The first promote from none. Each of the later stages comes behind the one it promotes from.
    """
    first = [stage for stage, settings in environments.items() if settings.promotes_from is None]
    order = list(first)
    for stage in order:  # which grows meanwhile
        order += [
            follower
            for follower, settings in environments.items()
            if settings.promotes_from == stage
        ]
    later = order[len(first) :]
    return first, later


if __name__ == "__main__":
    sys.exit(main())
