"""Every name in the cloud, computed from a stage's values.

infra makes resources by these names, and the pipeline looks for them.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

from settings.values import shown

ROLES = ("builder", "pipeline", "server", "monitor", "planner", "deployer")
BUCKETS = ("artifacts", "state")
DATASETS = ("data", "requests", "views", "verdicts")
RECIPES = ("image", "modules", "promote", "retrain", "monitor")
TOPICS = ("promote", "retrain", "monitor")
CUSTOM_ROLES = ("predictor", "caller", "untagger", "watcher", "tracer", "keeper")
# It begins the tag of an image that a record names, so that the image stays as long as the record.
RECORDED_TAG = "recorded-"
# Of the event log; each is counted as a metric of that name.
EVENTS = (
    "monitored",
    "drift",
    "fault",
    "worse",
    "log_incomplete",
    "no_requests",
    "run_failed",
    "not_blessed",
)
# kinds of names that share one namespace: both are contexts of Vertex ML Metadata
NAMESPACES = {"experiment": "context", "pipeline": "context"}
SERVICE_AGENTS = {
    "aiplatform": "gcp-sa-aiplatform",
    "cloudbuild": "gcp-sa-cloudbuild",
    "dataflow": "dataflow-service-producer-prod",
}
# Short enough for every cloud name that carries it.
MODEL_NAME = re.compile(r"[a-z][a-z0-9_]{0,24}")
ACCOUNT = r"[a-z][a-z0-9-]{4,28}[a-z0-9]"
CUSTOM_ROLE = r"[a-zA-Z0-9_.]{3,64}"
# A person, in the name of an experiment.
USER = r"[a-z0-9]{1,20}"
EXPERIMENT = "x"  # too short for a stage's name, so that no delivery's name begins with it
POOL = r"(?!gcp-)[a-z0-9-]{4,32}"


@dataclass(frozen=True, kw_only=True)
class Names:
    """The names of one stage; a model's names take the model."""

    stage: str
    project_id: str
    project_number: int
    region: str
    github_repository: str  # OWNER/NAME

    def bucket(self, purpose: str) -> str:
        """`purpose` is artifacts or state."""
        return f"{self.project_id}-{self.stage}-{purpose}"

    @property
    def artifacts_uri(self) -> str:
        return f"gs://{self.bucket('artifacts')}"

    def service_account(self, role: str) -> str:
        """The account id; `role` is one of ROLES."""
        return f"{self.stage}-{role}"

    def service_account_email(self, role: str) -> str:
        return f"{self.service_account(role)}@{self.project_id}.iam.gserviceaccount.com"

    def service_account_resource(self, role: str) -> str:
        return f"projects/{self.project_id}/serviceAccounts/{self.service_account_email(role)}"

    def member(self, role: str) -> str:
        """The account as a principal in a grant."""
        return f"serviceAccount:{self.service_account_email(role)}"

    def service_agent(self, product: str) -> str:
        """The principal of Google's own `product` in the project."""
        domain = f"{SERVICE_AGENTS[product]}.iam.gserviceaccount.com"
        return f"serviceAccount:service-{self.project_number}@{domain}"

    def custom_role_id(self, purpose: str) -> str:
        """`purpose` is one of CUSTOM_ROLES.

        predictor asks an endpoint, caller runs a trigger, untagger takes an image's tag away,
        watcher looks up what is served and asks BigQuery, tracer looks up what runs have read and
        made, keeper grants a key, and none does more.
        """
        return f"{self.stage}{purpose.capitalize()}"

    def custom_role(self, purpose: str) -> str:
        """As a grant names it."""
        return f"projects/{self.project_id}/roles/{self.custom_role_id(purpose)}"

    @property
    def workload_identity_pool(self) -> str:
        return f"{self.stage}-github"

    def workload_identity_provider(self, role: str) -> str:
        """The provider's full name, for the exchange of GitHub's tokens.

        `role` is planner or deployer.
        """
        pools = f"projects/{self.project_number}/locations/global/workloadIdentityPools"
        return f"{pools}/{self.workload_identity_pool}/providers/{role}"

    def github_environment(self, role: str) -> str:
        """The GitHub environment of the jobs allowed to become `role`.

        The planner's is unprotected, or each plan would wait for a reviewer.
        """
        return f"{self.stage}-plan" if role == "planner" else self.stage

    def dataset(self, purpose: str) -> str:
        """`purpose` is one of DATASETS."""
        return f"{self.stage}_{purpose}"

    def data_table(self, model: str) -> str:
        """The training table of a model, as a query names it.

        `make load-data` fills it.
        """
        return f"{self.project_id}.{self.dataset('data')}.{model}"

    def request_table(self, model: str) -> str:
        """The raw log of a model's endpoint.

        Vertex makes it in the requests dataset.
        """
        return model

    @property
    def repository(self) -> str:
        return f"{self.stage}-images"

    def image(self, target: str) -> str:
        """The image's name without tag or digest; `target` is pipeline, serving or worker."""
        return f"{self.region}-docker.pkg.dev/{self.project_id}/{self.repository}/{target}"

    @property
    def network(self) -> str:
        """The network that Dataflow's workers get where the team names none, and its subnetwork."""
        return f"{self.stage}-dataflow"

    @property
    def github_secret(self) -> str:
        """The secret with the GitHub token of Cloud Build's connection."""
        return f"{self.stage}-github-token"

    @property
    def connection(self) -> str:
        return f"{self.stage}-github"

    @property
    def linked_repository(self) -> str:
        return re.sub(r"[^a-z0-9]", "-", self.github_repository.lower())

    def trigger(self, recipe: str) -> str:
        """`recipe` is one of RECIPES: build/<recipe>.yaml."""
        return f"{self.stage}-{recipe}"

    def topic(self, purpose: str) -> str:
        """`purpose` is one of TOPICS."""
        return f"{self.stage}-{purpose}"

    @property
    def probe(self) -> str:
        """The name of `make probe`'s repository, topic, trigger and endpoints."""
        return f"{self.stage}-probe"

    @property
    def event_log(self) -> str:
        """The log of events in runs, deliveries and monitoring, for alerts to match."""
        return f"{self.stage}-events"

    @property
    def schedule(self) -> str:
        """The scheduler's job for the monitor."""
        return f"{self.stage}-every-morning"

    def log_metric(self, event: str) -> str:
        return f"{self.stage}/{event}"

    def pipeline(self, model: str) -> str:
        return f"{self.stage}-{_hyphened(model)}"

    def experiment_pipeline(self, user: str, model: str) -> str:
        """The pipeline of a person's experiments with the model; no delivery has such a name."""
        return f"{EXPERIMENT}-{self.stage}-{user}-{_hyphened(model)}"

    def experiment(self, model: str) -> str:
        """The experiment of the model's runs in Vertex ML Metadata.

        There it is a context, as a pipeline is one of the pipeline's name.
        """
        return f"{self.pipeline(model)}-runs"

    def registered_model(self, model: str) -> str:
        """The id of the model's one entry in Vertex's model registry.

        Each push is a version of it.
        """
        return f"{self.stage}-{_hyphened(model)}"

    def legacy_model(self, model: str) -> str:
        """The name on AI Platform, which knows no hyphen."""
        return f"{self.stage}_{model}"

    def endpoint(self, model: str) -> str:
        """The endpoint's number, derived for both halves to know it.

        Vertex wants a number of at most ten digits without a leading zero.
        """
        key = f"{self.stage}/{model}"
        digest = hashlib.sha256(key.encode()).digest()
        number = int.from_bytes(digest[:8], "big")
        return str(10**9 + number % (9 * 10**9))

    def all(self, models: list[str]) -> Iterator[tuple[str, str, str]]:
        """Each kind of name, the name, and Google's rule for it (a regular expression)."""
        for bucket in BUCKETS:
            yield "bucket", self.bucket(bucket), r"[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"
        for role in ROLES:
            yield "service account", self.service_account(role), ACCOUNT
        for dataset in DATASETS:
            yield "dataset", self.dataset(dataset), r"[A-Za-z0-9_]{1,1024}"
        for trigger in (*map(self.trigger, RECIPES), self.probe):
            yield "trigger", trigger, r"[a-zA-Z0-9-]{1,64}"
        for topic in (*map(self.topic, TOPICS), self.probe):
            yield "topic", topic, r"(?!goog)[a-zA-Z][\w.~+%-]{2,254}"
        for repository in (self.repository, self.probe):
            yield "image repository", repository, r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
        yield "network", self.network, r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?"
        for custom_role in CUSTOM_ROLES:
            yield "custom role", self.custom_role_id(custom_role), CUSTOM_ROLE
        for event in EVENTS:
            yield "log metric", self.log_metric(event), r"[\w/.-]{1,100}"
        yield "event log", self.event_log, r"[\w./-]{1,512}"
        yield "schedule", self.schedule, r"[a-zA-Z0-9_-]{1,500}"
        yield "workload identity pool", self.workload_identity_pool, POOL
        yield "secret", self.github_secret, r"[\w-]{1,255}"
        yield "connection", self.connection, r"[a-z][a-z0-9-]{0,62}"
        yield "linked repository", self.linked_repository, r"[a-z0-9][a-z0-9-]{0,62}"
        for model in models:
            yield from self._of_model(model)

    def _of_model(self, model: str) -> Iterator[tuple[str, str, str]]:
        yield f"model folder {model}", model, MODEL_NAME.pattern
        yield f"pipeline of {model}", self.pipeline(model), r"[a-z][a-z0-9-]{0,126}"
        longest_pipeline = self.experiment_pipeline("u" * 20, model)
        yield f"experiments' pipeline of {model}", longest_pipeline, r"[a-z][a-z0-9-]{0,100}"
        yield f"experiment of {model}", self.experiment(model), r"[a-z0-9-]{4,128}"
        yield f"registered model of {model}", self.registered_model(model), r"[a-z][a-z0-9_-]{0,62}"
        yield f"legacy model of {model}", self.legacy_model(model), r"[a-zA-Z][a-zA-Z0-9_]{0,127}"
        yield f"request table of {model}", self.request_table(model), r"\w{1,1024}"
        yield f"endpoint of {model}", self.endpoint(model), r"[1-9][0-9]{0,9}"

    def problems(self, models: list[str]) -> Iterator[str]:
        """A sentence for each name against its rule, and for each repeated one."""
        kinds: dict[tuple[str, str], str] = {}
        for kind, name, rule in self.all(models):
            if not re.fullmatch(rule, name):
                yield f"the {kind} would be named {shown(name)}, allowed is {rule}"
            family, _, _ = kind.partition(" of ")
            family = NAMESPACES.get(family, family)
            namesake = kinds.get((family, name))
            if namesake:
                yield (
                    f"the {kind} and the {namesake} would both be named {shown(name)}, "
                    "allowed is one"
                )
            kinds[family, name] = kind


def _hyphened(model: str) -> str:
    return model.replace("_", "-")
