"""Whether the project's bills are paid, and whether the grants on the billing account can be made.

https://cloud.google.com/billing/docs/reference/rest/v1/projects/getBillingInfo
"""

from infra.doctor.finding import Finding, missing, ok
from infra.doctor.google import Google
from infra.doctor.grants import held, member_of
from settings import Settings

SET_BILLING = "billing.accounts.setIamPolicy"
OPEN_ACCOUNT = "$(gcloud billing accounts list --filter=open=true --format='value(name)')"


def link(subject: str, *, settings: Settings, google: Google) -> Finding:
    """Look for the project's open billing account; without one no paid API can be turned on."""
    project, account = settings.project_id, settings.billing_account
    info = google.ask("cloud_billing", f"projects/{project}/billingInfo") or {}
    linked_account = info.get("billingAccountName", "").removeprefix("billingAccounts/")
    command = f"gcloud billing projects link {project} --billing-account={account or OPEN_ACCOUNT}"
    if not linked_account:
        return missing(subject, f"{project} has no billing account", command)
    if not info.get("billingEnabled"):
        return missing(subject, f"{linked_account} of {project} is closed", command)
    if account and account != linked_account:
        gap = f"{project} has {linked_account}, billing_account in environments.py is {account}"
        return missing(subject, gap, command)
    return ok(subject, linked_account)


def account(subject: str, *, settings: Settings, google: Google) -> Finding:
    """Look whether bootstrap may let the planner and the deployer see costs."""
    account = settings.billing_account
    path = f"billingAccounts/{account}:testIamPermissions"
    if SET_BILLING in held(google, "cloud_billing", path, [SET_BILLING]):
        return ok(subject, str(account))
    grant = (
        f"gcloud billing accounts add-iam-policy-binding {account} "
        f"--member={member_of(google)} --role=roles/billing.admin"
    )
    return missing(subject, f"the grants on {account} can't be changed", grant)
