"""The stack below all others: APIs, artifacts bucket, data dataset and image repository."""

from collections.abc import Sequence

from constructs import Construct

from infra import apis, roles
from infra.constructs.bucket import Bucket
from infra.constructs.dataset import Dataset
from infra.constructs.image_registry import ImageRegistry
from infra.constructs.private_network import PrivateNetwork
from infra.constructs.project import Project
from infra.constructs.signing_key import SigningKey
from infra.stacks.stage_stack import StageStack
from settings import Settings
from settings.artifacts import HISTORY, MODULES, PAGES, RECORD, REPORTS, RUNS, SCRATCH
from settings.names import RECORDED_TAG

EXPIRY_DAYS = {SCRATCH: 14}  # nothing that a record names lies under it
# account -> its roles on the artifacts' bucket, each with where its objects lie; () is anywhere.
# Objects are listed, and the bucket itself is asked for, at the bucket: no condition on objects
# allows it, so that who holds conditional grants alone is a reader of the bucket, too.
BUCKET_READER = "roles/storage.legacyBucketReader"
ARTIFACT_ROLES: dict[str, dict[str, tuple[str, ...]]] = {
    "builder": {
        "roles/storage.objectViewer": (),
        "roles/storage.objectUser": (RECORD, HISTORY, MODULES, REPORTS),
    },
    "pipeline": {
        BUCKET_READER: (),
        "roles/storage.objectViewer": (MODULES,),
        "roles/storage.objectUser": (RUNS, SCRATCH),
    },
    "server": {BUCKET_READER: (), "roles/storage.objectViewer": (RUNS,)},
    "monitor": {
        BUCKET_READER: (),
        "roles/storage.objectViewer": (RECORD, HISTORY, RUNS),
        "roles/storage.objectUser": (PAGES,),
    },
}
# What `lineage` reads of the bucket: each version's traffic, and what its run was.
READER_PLACES = (RECORD, HISTORY, REPORTS)
# Vertex pulls a node's and a server's image as its own agent; Dataflow's workers pull as the
# pipeline.
IMAGE_ROLES = {
    "builder": "roles/artifactregistry.writer",
    "pipeline": "roles/artifactregistry.reader",
}


class Foundation(StageStack):
    """The stack below the others and every delivery.

    `followers` are the stages that promote from this one: their builders copy what passed here.
    """

    def __init__(
        self, scope: Construct, *, settings: Settings, followers: Sequence[Settings]
    ) -> None:
        super().__init__(scope, "foundation", settings=settings)
        self.project = Project(
            self, "Project", project_id=settings.project_id, apis=apis.of_foundation(settings)
        )
        self.artifacts = Bucket(
            self,
            "Artifacts",
            name=self.names.bucket("artifacts"),
            location=settings.region,
            expire_after_days=EXPIRY_DAYS,
            deletable=settings.deletable,
        )
        self.data = Dataset(
            self,
            "Data",
            name=self.names.dataset("data"),
            location=settings.region,
            description="Tables that the team loads for its models to train on",
            deletable=settings.deletable,
        )
        self.images = self._registry(
            "Images",
            name=self.names.repository,
            location=settings.region,
            description="The pipeline's, the worker's and the server's images",
        )
        if settings.makes_network:
            PrivateNetwork(self, "Network", name=self.names.network, region=settings.region)
        if settings.gcr_repository:
            description = "Answers the names that Container Registry had"
            self._registry("Gcr", name="gcr.io", location="us", description=description)
        self._grant()
        self.key = self._signing_key()
        for follower in followers:
            self._let_copy(follower.names.member("builder"))
        self._tell_addresses()
        self.wait_for(self.project)

    def _registry(self, id_: str, *, name: str, location: str, description: str) -> ImageRegistry:
        return ImageRegistry(
            self,
            id_,
            name=name,
            location=location,
            description=description,
            kept_tag=RECORDED_TAG,
            deletable=self.settings.deletable,
        )

    def _signing_key(self) -> SigningKey | None:
        """The stage's key, by which its builder signs what runs have made."""
        if self.settings.signing_key is None:
            return None
        key = SigningKey(self, "SigningKey", version=self.settings.signing_key)
        key.grant("roles/cloudkms.signerVerifier", to=self.names.member("builder"))
        return key

    def _let_copy(self, builder: str) -> None:
        """What passed here is copied; where it is signed, the statements are read and verified."""
        places = [RECORD]
        if self.key:
            places.append(REPORTS)
            self.key.grant("roles/cloudkms.publicKeyViewer", to=builder)
        self.artifacts.grant(BUCKET_READER, to=builder)
        self.artifacts.grant("roles/storage.objectViewer", to=builder, only_in=places)
        self.images.grant("roles/artifactregistry.reader", to=builder)

    def _tell_addresses(self) -> None:
        bucket = self.names.bucket("artifacts")
        artifacts = self.console(f"storage/browser/{bucket}")
        self.tell("artifacts", artifacts, "Modules, runs, models and the delivery record")
        reports = self.console(f"storage/browser/{bucket}/{REPORTS.rstrip('/')}")
        self.tell("reports", reports, "The report of every run")

    def _grant(self) -> None:
        member = self.names.member
        project_roles = {
            "builder": roles.BUILDER,
            "pipeline": roles.of_pipeline(self.settings),
            "monitor": roles.MONITOR,
        }
        for account, account_roles in project_roles.items():
            for role in account_roles:
                in_all_buckets = role in roles.IN_ALL_BUCKETS
                self.project.grant(role, to=member(account), except_in_buckets=in_all_buckets)
        self.project.grant(self.names.custom_role("watcher"), to=member("monitor"))
        for account, artifact_roles in ARTIFACT_ROLES.items():
            for role, places in artifact_roles.items():
                self.artifacts.grant(role, to=member(account), only_in=places)
        for reader in self.settings.readers:
            self.artifacts.grant(BUCKET_READER, to=reader)
            self.artifacts.grant("roles/storage.objectViewer", to=reader, only_in=READER_PLACES)
        for account, role in IMAGE_ROLES.items():
            self.images.grant(role, to=member(account))
        self.images.grant(self.names.custom_role("untagger"), to=member("builder"))
        self.data.grant("roles/bigquery.dataViewer", to=member("pipeline"))
        # Monitoring reads labels that arrive later.
        self.data.grant("roles/bigquery.dataViewer", to=member("monitor"))
