"""The tests' own stages: the values of a fictional team.

Every value, as TYPE = DEFAULT:

Settings:
  stage: str                                2 to 10 lowercase letters and digits
  project_id: str                           of the Google Cloud project
  project_number: int                       of the same project
  region: str                               such as europe-west1
  github: GitHub
  billing_account: str | None = None        XXXXXX-XXXXXX-XXXXXX, for a budget
  monthly_budget: int | None = None         in the billing account's currency
  deletable: bool = False                   teardown may destroy what holds data
  promotes_from: str | None = None          the stage before; None: the first one
  beam_engine: str = 'direct'               direct or dataflow
  network: str | None = None                Dataflow's [HOST_PROJECT/]SUBNETWORK; None: one is made
  tracker: str = 'vertex-experiments'       vertex-experiments or none
  training: Training = as below
  serving: Serving = as below
  request_log: RequestLog = as below
  consumers: tuple[str, ...] = ()           principals that may ask for predictions
  readers: tuple[str, ...] = ()             who read the log without personal data, and lineage
  alert_emails: tuple[str, ...] = ()        who is told; needed unless deletable
  approval_required: bool = True            a delivery waits for a person in Cloud Build
  request_retraining: bool = False          the monitor asks for one where a drift lasts
  signing_key: str | None = None            Cloud KMS's key version that signs what made a model; None: unsigned
  legacy_ai_platform: bool = False          also the models of AI Platform, for its old clients
  gcr_repository: bool = False              also a repository for Container Registry's addresses

GitHub:
  repository: str                           OWNER/NAME
  app_installation_id: int                  the number in the URL of Cloud Build's GitHub app
  branch: str = 'main'                      what is delivered from, the default branch

Training:
  machine_type: str | None = None           a Vertex custom job's; None: in the pipeline's node

Serving:
  machine_type: str = 'n1-standard-2'       behind an endpoint
  min_replicas: int = 1                     paid for all the time
  max_replicas: int = 1
  keep_warm: bool = False                   False: undeployed once it has answered
  traffic_steps: tuple[int, ...] = (1, 10, 50, 100)  percent that a new version takes in turn
  step_minutes: int = 5                     between two steps
  largest_error_share: float = 0.05         above this share of requests, traffic goes back
  largest_p99_ms: int = 1000                of latency; above it, traffic goes back

RequestLog:
  sampling_rate: float = 0.1                share of the requests
  retention_days: int = 90

`make values` renews this list.
"""

from settings import GitHub, RequestLog, Serving, Settings, Training
from settings.stages import by_stage

GITHUB = GitHub(repository="mill/loom", app_installation_id=4711)

DEV = Settings(
    stage="dev",
    project_id="mill-dev",
    project_number=11,
    region="us-central1",
    github=GITHUB,
    deletable=True,
    approval_required=False,
)

STAGING = Settings(
    stage="staging",
    project_id="mill-staging",
    project_number=22,
    region="us-central1",
    github=GITHUB,
    deletable=True,
    approval_required=False,
    promotes_from="dev",
    beam_engine="dataflow",
    training=Training(machine_type="n1-standard-4"),
)

PROD = Settings(
    stage="prod",
    project_id="mill-prod",
    project_number=33,
    region="us-central1",
    github=GITHUB,
    promotes_from="staging",
    beam_engine="dataflow",
    training=Training(machine_type="n1-standard-4"),
    serving=Serving(machine_type="n1-standard-4", min_replicas=2, max_replicas=6, keep_warm=True),
    request_log=RequestLog(sampling_rate=0.2, retention_days=180),
    alert_emails=("loom@mill.example",),
)

ENVIRONMENTS = by_stage(DEV, STAGING, PROD)
