"""Print the provider and the account of GitHub's jobs, as a job's outputs.

Run it as `python3 -m infra.identity ENV planner|deployer`.
"""

import sys

from settings import SettingsError
from settings.stages import environments

ACCOUNTS = ("planner", "deployer")


def main(arguments: list[str]) -> int:
    try:
        stages = environments()
    except SettingsError as error:
        print(f"environments.py: {error}", file=sys.stderr)
        return 2
    if len(arguments) != 2 or arguments[0] not in stages or arguments[1] not in ACCOUNTS:
        print(
            f"got {' '.join(arguments) or 'nothing'}, "
            f"allowed are {'|'.join(stages)} and then {'|'.join(ACCOUNTS)}",
            file=sys.stderr,
        )
        return 2
    names = stages[arguments[0]].names
    print(f"workload_identity_provider={names.workload_identity_provider(arguments[1])}")
    print(f"service_account={names.service_account_email(arguments[1])}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
