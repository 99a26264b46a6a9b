"""The base of a stage's stacks: the state's backend, the provider and the labels."""

from cdktf import GcsBackend, TerraformOutput, TerraformResource, TerraformStack
from cdktf_cdktf_provider_google.project_service import ProjectService
from cdktf_cdktf_provider_google.provider import GoogleProvider
from constructs import Construct

from infra.constructs.project import Project
from settings import Settings


class StageStack(TerraformStack):
    """A stack named <name>-<stage>.

    Stacks pass names and no values: each can be planned alone, without asking an API.
    """

    def __init__(self, scope: Construct, name: str, *, settings: Settings) -> None:
        super().__init__(scope, f"{name}-{settings.stage}")
        self.settings, self.names = settings, settings.names
        GcsBackend(self, bucket=self.names.bucket("state"), prefix=name)
        self.provider = GoogleProvider(
            self, "Google", project=settings.project_id, region=settings.region
        )
        labels = {"environment": settings.stage, "managed-by": "esteira", "stack": name}
        # An override, since the typed argument would turn the key managed-by into managed_by.
        self.provider.add_override("default_labels", labels)

    def wait_for(self, project: Project) -> None:
        """Make everything else in the stack wait for its APIs.

        A product that is not switched on yet refuses whatever is asked.
        """
        services = [
            f"{api.terraform_resource_type}.{api.friendly_unique_id}" for api in project.apis
        ]
        for node in self.node.find_all():
            if isinstance(node, ProjectService):
                continue
            if isinstance(node, TerraformResource):
                node.depends_on = [*(node.depends_on or []), *services]

    def tell(self, id_: str, value: str, about: str) -> None:
        """An output for people; programs compute the same from settings."""
        TerraformOutput(self, id_, value=value, description=about, static_id=True)

    def console(self, path: str) -> str:
        return f"https://console.cloud.google.com/{path}?project={self.settings.project_id}"
