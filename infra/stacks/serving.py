"""The models' endpoints and the log of their requests.

The stack holds an endpoint for each model, the request log, and the grants on both.
"""

from urllib.parse import urlencode

from cdktf_cdktf_provider_google.ml_engine_model import MlEngineModel
from constructs import Construct

from infra.constructs.dataset import Dataset
from infra.constructs.endpoint import Endpoint
from infra.constructs.project import Project
from infra.stacks.stage_stack import StageStack
from settings import Settings

LOOKER = "https://lookerstudio.google.com/reporting/create?"


class Serving(StageStack):
    """The endpoints hold no model yet: deliveries deploy versions to them."""

    def __init__(self, scope: Construct, *, settings: Settings, models: list[str]) -> None:
        super().__init__(scope, "serving", settings=settings)
        self.requests = self._dataset(
            "requests",
            "A logged share of the requests and their answers, written by Vertex",
            expiring=True,
        )
        self.views = self._dataset(
            "views", "The request log by column, without the personal ones", expiring=False
        )
        self.requests.let_views_read(self.views)
        self._grant()
        for model in models:
            self._serve(model)
        requests, views = self.names.dataset("requests"), self.names.dataset("views")
        page = self.console("bigquery")
        self.tell("request_log", page, f"Datasets {requests} (raw) and {views}")

    def _dataset(self, purpose: str, about: str, *, expiring: bool) -> Dataset:
        retention_days = self.settings.request_log.retention_days if expiring else None
        return Dataset(
            self,
            purpose.capitalize(),
            name=self.names.dataset(purpose),
            location=self.settings.region,
            description=about,
            retention_days=retention_days,
            deletable=self.settings.deletable,
        )

    def _grant(self) -> None:
        agent, monitor = self.names.service_agent("aiplatform"), self.names.member("monitor")
        self.requests.grant("roles/bigquery.dataEditor", to=agent)
        # The monitor also deletes what is too old.
        self.requests.grant("roles/bigquery.dataEditor", to=monitor)
        self.views.grant("roles/bigquery.dataEditor", to=monitor)
        for reader in self.settings.readers:
            self.views.grant("roles/bigquery.dataViewer", to=reader)
        project = Project(self, "Project", project_id=self.settings.project_id)
        for consumer in self.settings.consumers:
            # The provider has no grant on one endpoint (6.50.0), hence a role that can do nothing
            # else.
            project.grant(self.names.custom_role("predictor"), to=consumer)

    def _serve(self, model: str) -> None:
        project, region = self.settings.project_id, self.settings.region
        endpoint, request_table = self.names.endpoint(model), self.names.request_table(model)
        Endpoint(
            self,
            f"Endpoint:{model}",
            endpoint_id=endpoint,
            display_name=self.names.pipeline(model),
            location=region,
            # The dataset's id is a token: the endpoint is made after the dataset.
            log_table=f"{project}.{self.requests.resource.dataset_id}.{request_table}",
            sampling_rate=self.settings.request_log.sampling_rate,
            deletable=self.settings.deletable,
        )
        if self.settings.legacy_ai_platform:
            MlEngineModel(
                self,
                f"Legacy:{model}",
                name=self.names.legacy_model(model),
                regions=[region],
                online_prediction_logging=True,
            )
        self._tell_addresses(model)

    def _tell_addresses(self, model: str) -> None:
        project, region = self.settings.project_id, self.settings.region
        endpoint, request_table = self.names.endpoint(model), self.names.request_table(model)
        resource = f"projects/{project}/locations/{region}/endpoints/{endpoint}"
        predict_url = f"https://{region}-aiplatform.googleapis.com/v1/{resource}:predict"
        self.tell(f"{model}_predict_url", predict_url, f"Asks {model}")
        path = f"vertex-ai/online-prediction/locations/{region}/endpoints/{endpoint}"
        self.tell(f"{model}_console", self.console(path), f"Versions of {model}")
        requests = self.names.dataset("requests")
        log_table = f"{project}.{requests}.{request_table}"
        self.tell(f"{model}_log_table", log_table, "There after a request")
        options = {
            "c.mode": "edit",
            "ds.connector": "bigQuery",
            "ds.type": "TABLE",
            "ds.projectId": project,
            "ds.datasetId": self.names.dataset("views"),
            "ds.tableId": request_table,
        }
        charts = LOOKER + urlencode(options)
        about = "Charts over the view, once monitoring has made it"
        self.tell(f"{model}_looker_studio", charts, about)
