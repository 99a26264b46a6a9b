"""Whether Cloud Build still hears the messages that its triggers wait for."""

from infra.doctor.finding import Finding, missing, ok
from infra.doctor.google import Google
from settings import Settings

# cloud.google.com/build/docs/api/reference/rest/v1/projects.triggers#PubsubConfig
LOST = ("SUBSCRIPTION_DELETED", "SUBSCRIPTION_MISCONFIGURED", "TOPIC_DELETED")


def subscriptions(subject: str, *, settings: Settings, google: Google) -> Finding:
    """Look for triggers that messages no longer start.

    Pub/Sub deletes a subscription that hears nothing for 31 days, and Cloud Build gives those of
    its triggers no other term (github.com/hashicorp/terraform-provider-google/issues/13234).
    """
    project, region = settings.project_id, settings.region
    path = f"projects/{project}/locations/{region}/triggers"
    triggers = google.listing("cloud_build", path, "triggers")
    configs = {trigger["name"]: trigger.get("pubsubConfig") for trigger in triggers}
    states = {name: config.get("state") for name, config in configs.items() if config}
    deaf_triggers = sorted(name for name, state in states.items() if state in LOST)
    if not deaf_triggers:
        return ok(subject, f"{len(states)} triggers on messages")
    names = ", ".join(deaf_triggers)
    deletions = [
        f"gcloud builds triggers delete {name} --region={region} --project={project}"
        for name in deaf_triggers
    ]
    command = " && ".join([*deletions, f"make deploy env={settings.stage}"])
    return missing(subject, f"messages no longer start {names}", command)
