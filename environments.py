"""The team's file: the values of each environment. settings.py says what they mean and refuses what can't be deployed."""

from settings import GitHub, RequestLog, Serving, Settings, Training
from stages import by_stage

GITHUB = GitHub(repository="acme/esteira", app_installation_id=12345678)

DEV = Settings(
    stage="dev",
    project_id="acme-ml-dev",
    project_number=100000000001,
    region="us-central1",  # the public taxi table can be exported from the US alone
    github=GITHUB,
    deletable=True,
    approval_required=False,
)

STAGING = Settings(
    stage="staging",
    project_id="acme-ml-staging",
    project_number=100000000002,
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
    project_id="acme-ml-prod",
    project_number=100000000003,
    region="us-central1",
    github=GITHUB,
    promotes_from="staging",
    beam_engine="dataflow",
    training=Training(machine_type="n1-standard-4"),
    serving=Serving(machine_type="n1-standard-4", min_replicas=2, max_replicas=6, keep_warm=True),
    request_log=RequestLog(sampling_rate=0.2, retention_days=180),
    alert_emails=("ml-oncall@acme.example",),
)

ENVIRONMENTS = by_stage(DEV, STAGING, PROD)
