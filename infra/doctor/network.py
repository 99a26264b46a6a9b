"""Whether Dataflow's workers can use the subnetwork that the team names.

https://cloud.google.com/dataflow/docs/guides/specifying-networks says what it takes.
"""

from infra.doctor.finding import Finding, missing, ok
from infra.doctor.google import Google
from settings import Settings

NETWORK_USER = "roles/compute.networkUser"


def subnetwork(subject: str, *, settings: Settings, google: Google) -> Finding:
    resource = settings.subnetwork
    _, project, _, region, _, name = resource.split("/")
    place = f"--project={project} --region={region}"
    existing_subnetwork = google.ask("compute", resource)
    if existing_subnetwork is None:
        command = f"gcloud compute networks subnets list --project={project} --regions={region}"
        return missing(subject, f"there is no {resource}", command)
    if not existing_subnetwork.get("privateIpGoogleAccess"):
        command = (
            f"gcloud compute networks subnets update {name} {place} "
            "--enable-private-ip-google-access"
        )
        return missing(subject, f"{resource} has no Private Google Access", command)
    agent = settings.names.service_agent("dataflow")
    if project != settings.project_id and not _may_use(google, project, resource, agent):
        command = (
            f"gcloud compute networks subnets add-iam-policy-binding {name} {place} "
            f"--member={agent} --role={NETWORK_USER}"
        )
        return missing(subject, f"Dataflow's agent may not use {resource}", command)
    return ok(subject, resource)


def _may_use(google: Google, project: str, resource: str, agent: str) -> bool:
    """Say whether the agent may use this subnetwork, or all of the host project."""
    policy = google.ask("compute", f"{resource}/getIamPolicy") or {}
    if _is_bound(policy, agent):
        return True
    host_policy = google.ask("resource_manager", f"projects/{project}:getIamPolicy", {}) or {}
    return _is_bound(host_policy, agent)


def _is_bound(policy: dict[str, list[dict[str, object]]], agent: str) -> bool:
    bindings = policy.get("bindings", [])
    members = [binding["members"] for binding in bindings if binding["role"] == NETWORK_USER]
    return any(agent in group for group in members if isinstance(group, list))
