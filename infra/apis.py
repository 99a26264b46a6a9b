"""Which of Google's APIs the stacks turn on, by their short names; needs no CDKTF, so that one can ask before anything is installed."""

from settings import Settings

BOOTSTRAP = (
    "cloudbuild",
    "cloudresourcemanager",
    "iam",
    "iamcredentials",
    "secretmanager",
    "serviceusage",
    "storage",
    "sts",
)
FOUNDATION = (
    "aiplatform",
    "artifactregistry",
    "bigquery",
    "cloudscheduler",
    "dataflow",
    "logging",
    "monitoring",
    "pubsub",
)
WORKERS = ("compute",)  # Dataflow's
BUDGET = ("billingbudgets",)
LEGACY = ("ml",)


def of_foundation(settings: Settings) -> tuple[str, ...]:
    return (
        FOUNDATION
        + (WORKERS if settings.beam_engine == "dataflow" else ())
        + (BUDGET if settings.billing_account else ())
        + (LEGACY if settings.legacy_ai_platform else ())
    )
