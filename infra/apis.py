"""Name the Google APIs of the stacks, by their short names.

The stacks turn them on. The module needs no CDKTF, so that one can ask it before anything is
installed.
"""

from settings import Settings

BOOTSTRAP = (
    "cloudbilling",  # for the grants on the billing account, and for the doctor
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
SIGNING = ("cloudkms",)
LEGACY = ("ml",)


def of_bootstrap(settings: Settings) -> tuple[str, ...]:
    signing = SIGNING if settings.signing_key else ()
    return (*BOOTSTRAP, *signing)


def of_foundation(settings: Settings) -> tuple[str, ...]:
    workers = WORKERS if settings.beam_engine == "dataflow" else ()
    budget = BUDGET if settings.billing_account else ()
    legacy = LEGACY if settings.legacy_ai_platform else ()
    return (*FOUNDATION, *workers, *budget, *legacy)
