"""Print by which provider and account GitHub's jobs act, in the form of a job's outputs: `python3 -m infra.identity ENV planner|deployer`."""

import sys

from environments import ENVIRONMENTS

ROLES = ("planner", "deployer")

if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ENVIRONMENTS or sys.argv[2] not in ROLES:
        print(
            f"got {' '.join(sys.argv[1:]) or 'nothing'}, allowed are {'|'.join(ENVIRONMENTS)} and then {'|'.join(ROLES)}", file=sys.stderr
        )
        raise SystemExit(2)
    names = ENVIRONMENTS[sys.argv[1]].names
    print(f"workload_identity_provider={names.workload_identity_provider(sys.argv[2])}")
    print(f"service_account={names.service_account_email(sys.argv[2])}")
