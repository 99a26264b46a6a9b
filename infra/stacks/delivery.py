"""The connection to GitHub, and a trigger for each recipe that the stage runs."""

from collections.abc import Mapping

from cdktf_cdktf_provider_google.cloud_scheduler_job import (
    CloudSchedulerJob,
    CloudSchedulerJobPubsubTarget,
)
from cdktf_cdktf_provider_google.cloudbuildv2_connection import (
    Cloudbuildv2Connection,
    Cloudbuildv2ConnectionGithubConfig,
    Cloudbuildv2ConnectionGithubConfigAuthorizerCredential,
)
from cdktf_cdktf_provider_google.cloudbuildv2_repository import Cloudbuildv2Repository
from constructs import Construct

from infra.constructs.build_trigger import BuildTrigger
from infra.constructs.project import Project
from infra.constructs.topic import Topic
from infra.stacks.stage_stack import StageStack
from settings import Settings

# In UTC, whatever the region, since the log's days are: by then the last one ended six hours ago,
# and a row of it may be three hours late.
EVERY_MORNING = "0 6 * * *"
ASKED_MODELS = "$(body.message.attributes.models)"  # by the sender of the message
ASKED_COMMIT = "$(body.message.attributes.commit)"
NO_REQUEST = "none"  # of a call: it is the retrain recipe that has one
ASKED_REQUEST = "$(body.message.attributes.request)"  # by the monitor; a person's has none


class Delivery(StageStack):
    """The first stage builds, the others promote, asked by the stage before (`previous`).

    All deliver modules and retrain, and compare the request log each morning.
    What acts as the builder waits for an approval where the stage asks for one. A promotion and a
    retraining only hand commits to the modules trigger, but the code that does so is the branch's:
    without an approval it could do all that the builder may.
    """

    def __init__(self, scope: Construct, *, settings: Settings, previous: Settings | None) -> None:
        super().__init__(scope, "delivery", settings=settings)
        self.repository = self._connect()
        self.topics = {"retrain": self._topic("retrain")}
        if previous:
            self.topics["promote"] = self._topic("promote")
        recipes = ("modules",) if previous else ("image", "modules")
        for recipe in recipes:
            optional = {"_REQUEST": NO_REQUEST} if recipe == "modules" else {}
            self._trigger(recipe, optional=optional)
        self._trigger("retrain", models=ASKED_MODELS, optional={"_REQUEST": ASKED_REQUEST})
        if previous:
            self._promote(previous)
        self._monitor()
        builder, monitor = self.names.member("builder"), self.names.member("monitor")
        self.topics["retrain"].grant("roles/pubsub.publisher", to=monitor)
        project = Project(self, "Project", project_id=settings.project_id)
        project.grant(self.names.custom_role("caller"), to=builder)
        builds = self.console("cloud-build/builds")
        self.tell("builds", builds, "Every delivery, with its log")

    def _topic(self, purpose: str) -> Topic:
        return Topic(self, purpose.capitalize(), name=self.names.topic(purpose))

    def _connect(self) -> str:
        github = self.settings.github
        secret = f"projects/{self.settings.project_id}/secrets/{self.names.github_secret}"
        token = Cloudbuildv2ConnectionGithubConfigAuthorizerCredential(
            oauth_token_secret_version=f"{secret}/versions/latest"
        )
        app = Cloudbuildv2ConnectionGithubConfig(
            app_installation_id=github.app_installation_id, authorizer_credential=token
        )
        connection = Cloudbuildv2Connection(
            self,
            "Connection",
            name=self.names.connection,
            location=self.settings.region,
            github_config=app,
        )
        repository = Cloudbuildv2Repository(
            self,
            "Repository",
            name=self.names.linked_repository,
            location=self.settings.region,
            parent_connection=connection.name,
            remote_uri=f"https://github.com/{github.repository}.git",
        )
        return str(repository.id)

    def _promote(self, previous: Settings) -> None:
        """Promote on a message.

        To run a trigger here, `previous`' builder would have to act as this stage's, and could then
        build anything here.
        """
        self._trigger("promote", models=ASKED_MODELS, commit=ASKED_COMMIT)
        builder = previous.names.member("builder")
        self.topics["promote"].grant("roles/pubsub.publisher", to=builder)

    def _trigger(
        self,
        recipe: str,
        *,
        account: str = "builder",
        models: str = "all",
        commit: str | None = None,
        optional: Mapping[str, str] | None = None,
    ) -> None:
        """Make the recipe's trigger, on the topic of its name if there is one.

        The monitor reads and reports; an approval each morning would switch it off.
        """
        approval_required = self.settings.approval_required and account == "builder"
        topic = self.topics[recipe].resource.id if recipe in self.topics else None
        BuildTrigger(
            self,
            f"{recipe.capitalize()}Trigger",
            name=self.names.trigger(recipe),
            location=self.settings.region,
            repository=self.repository,
            branch=self.settings.github.branch,
            recipe=recipe,
            service_account=self.names.service_account_resource(account),
            stage=self.settings.stage,
            models=models,
            commit=commit,
            optional=optional,
            topic=topic,
            approval_required=approval_required,
        )

    def _monitor(self) -> None:
        """Ask for the monitor every morning."""
        self.topics["monitor"] = self._topic("monitor")
        retrain = "yes" if self.settings.request_retraining else "no"
        self._trigger("monitor", account="monitor", optional={"_RETRAIN": retrain})
        target = CloudSchedulerJobPubsubTarget(
            topic_name=self.topics["monitor"].resource.id,
            data="e30=",  # base64 of {}
        )
        CloudSchedulerJob(
            self,
            "EveryMorning",
            name=self.names.schedule,
            region=self.settings.region,
            schedule=EVERY_MORNING,
            time_zone="Etc/UTC",
            pubsub_target=target,
        )
