"""What the other stacks and every delivery stand on: APIs, the artifacts' bucket, the data's dataset, the image registry."""

from collections.abc import Sequence

from constructs import Construct

from infra import apis, roles
from infra.constructs.bucket import Bucket
from infra.constructs.dataset import Dataset
from infra.constructs.image_registry import ImageRegistry
from infra.constructs.project import Project
from infra.stacks.environment import EnvironmentStack
from settings import Settings
from settings.names import RECORDED_TAG

SCRATCH = {"tmp/": 14}  # days; nothing that a record names lies under it


class Foundation(EnvironmentStack):
    """`followers` are the environments that promote from this one: their builders copy what passed here."""

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
            expire_after_days=SCRATCH,
            deletable=settings.deletable,
        )
        about = "Tables that the team loads for its models to train on"
        self.data = Dataset(
            self,
            "Data",
            name=self.names.dataset("data"),
            location=settings.region,
            description=about,
            deletable=settings.deletable,
        )
        self.images = ImageRegistry(
            self,
            "Images",
            name=self.names.repository,
            location=settings.region,
            description="The pipeline's and the server's images",
            kept_tag=RECORDED_TAG,
            deletable=settings.deletable,
        )
        if settings.gcr_repository:
            ImageRegistry(
                self,
                "Gcr",
                name="gcr.io",
                location="us",
                description="Answers the names that Container Registry had",
                kept_tag=RECORDED_TAG,
                deletable=settings.deletable,
            )
        self._grant()
        for follower in followers:
            self.artifacts.grant("roles/storage.objectViewer", to=follower.names.member("builder"))
            self.images.grant("roles/artifactregistry.reader", to=follower.names.member("builder"))
        bucket = self.names.bucket("artifacts")
        self.tell(
            "artifacts",
            self.console(f"storage/browser/{bucket}"),
            "Modules, runs, models and the delivery record",
        )
        self.tell(
            "reports",
            self.console(f"storage/browser/{bucket}/reports"),
            "The report of every run and of every day's monitoring",
        )
        self.wait_for(self.project)

    def _grant(self) -> None:
        member = self.names.member
        wanted = {
            "builder": roles.BUILDER,
            "pipeline": roles.of_pipeline(self.settings),
            "monitor": roles.MONITOR,
        }
        for who, granted in wanted.items():
            for role in granted:
                self.project.grant(role, to=member(who))
        for who, role in {
            "builder": "objectUser",
            "pipeline": "objectUser",
            "monitor": "objectUser",
            "server": "objectViewer",
        }.items():
            self.artifacts.grant(f"roles/storage.{role}", to=member(who))
        for who, role in {
            "builder": "writer",
            "pipeline": "reader",
            "server": "reader",
            "monitor": "reader",
        }.items():
            self.images.grant(f"roles/artifactregistry.{role}", to=member(who))
        self.data.grant("roles/bigquery.dataViewer", to=member("pipeline"))
        self.data.grant(
            "roles/bigquery.dataViewer", to=member("monitor")
        )  # labels that arrive later
