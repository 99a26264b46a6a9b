"""The permission that a request to Google takes.

Each method's is on its product's page:
docs.cloud.google.com/vertex-ai/docs/general/iam-permissions,
cloud.google.com/logging/docs/access-control#api-permissions and
cloud.google.com/monitoring/access-control#monitoring-perms. With it, a test compares what an
account has asked with infra/doctor/calls.py.
"""

from tests.standins.google.routes import is_listing
from tests.standins.google.store import Call

SERVICES = {"vertex_ai": "aiplatform", "cloud_build": "cloudbuild"}
METHODS = {"GET": "get", "POST": "create", "PATCH": "update", "DELETE": "delete"}
VERBS = {
    "deployModel": "deploy",
    "undeployModel": "undeploy",
    "predict": "predict",
    "upload": "upload",
    "run": "create",
    "listVersions": "list",
    "addContextChildren": "addContextChildren",
}
# of a part of a resource, or of a trigger that makes a build
HOLDERS = {"versions": "models", "triggers": "builds"}
OTHERS = {
    ("logging", "entries", "write"): "logging.logEntries.create",
    ("monitoring", "timeSeries", ""): "monitoring.timeSeries.list",
}


def permission(method: str, target: str) -> str:
    """Raises KeyError for a request of which the permission is not written down here."""
    call = Call.parse(method, target, b"")
    *_, collection = call.path.split("/")
    key = (call.product, collection, call.verb)
    if key in OTHERS:
        return OTHERS[key]
    service = SERVICES[call.product]
    if len(call.path.split("/")) % 2 == 0:
        collection = call.key.collection
    action = VERBS[call.verb] if call.verb else METHODS[method]
    if is_listing(call):
        action = "list"
    return f"{service}.{HOLDERS.get(collection, collection)}.{action}"
