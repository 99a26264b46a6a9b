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
    choices = [[stage, account] for stage in stages for account in ACCOUNTS]
    if arguments not in choices:
        words = " ".join(arguments) or "nothing"
        allowed = f"{'|'.join(stages)} and then {'|'.join(ACCOUNTS)}"
        print(f"got {words}, allowed are {allowed}", file=sys.stderr)
        return 2
    stage, account = arguments
    names = stages[stage].names
    provider = names.workload_identity_provider(account)
    email = names.service_account_email(account)
    print(f"workload_identity_provider={provider}")
    print(f"service_account={email}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
