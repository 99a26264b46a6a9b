"""The stack that a person applies first: state bucket, CI's identities, GitHub token's secret."""

from cdktf_cdktf_provider_google.billing_account_iam_member import BillingAccountIamMember
from cdktf_cdktf_provider_google.project_iam_custom_role import ProjectIamCustomRole
from cdktf_cdktf_provider_google.secret_manager_secret import (
    SecretManagerSecret,
    SecretManagerSecretReplication,
    SecretManagerSecretReplicationAuto,
)
from cdktf_cdktf_provider_google.secret_manager_secret_iam_member import (
    SecretManagerSecretIamMember,
)
from constructs import Construct

from infra import apis, roles
from infra.constructs.bucket import Bucket
from infra.constructs.github_identity import GithubIdentity, GithubJobs
from infra.constructs.project import Project
from infra.constructs.service_account import ServiceAccount
from infra.constructs.signing_key import SigningKey
from infra.stacks.stage_stack import StageStack
from settings import Settings

ACCOUNTS = {
    "planner": "Plans changes in pull requests; reads and changes nothing",
    "deployer": "Applies the stacks but bootstrap, behind the approval of a GitHub environment",
    "builder": "Builds, submits and releases, called by Cloud Build's triggers",
    "pipeline": "Runs pipelines, their Dataflow jobs and their training",
    "server": "Serves models: reads what runs have made and nothing else",
    "monitor": "Compares the request log with what the model was trained on",
}
ACT_AS = "roles/iam.serviceAccountUser"
ACTORS = {  # account -> who hands it to something that runs as it: triggers, jobs, deployed models
    # The builder runs its stage's triggers, which takes acting as the account of the trigger.
    "builder": ("deployer", "builder"),
    "monitor": ("deployer",),
    "pipeline": ("builder", "pipeline"),
    "server": ("builder", "pipeline"),
}


class Bootstrap(StageStack):
    """Every identity and its actors; the deployer manages none.

    The deployer may grant what its stacks grant and nothing more.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "bootstrap", settings=settings)
        bucket, secret = self.names.bucket("state"), self.names.github_secret
        self.project = Project(
            self, "Project", project_id=settings.project_id, apis=apis.of_bootstrap(settings)
        )
        self.state = Bucket(self, "State", name=bucket, location=settings.region)
        self.roles: dict[str, ProjectIamCustomRole] = {}
        self.accounts = {
            role: ServiceAccount(
                self,
                role.capitalize(),
                email=self.names.service_account_email(role),
                description=description,
            )
            for role, description in ACCOUNTS.items()
        }
        self._grant_github_identities()
        self._grant()
        self._keep_github_token()
        self._define_roles()
        self._let_readers_trace()
        if settings.signing_key:
            self._lend_key(settings.signing_key)
        self.tell(
            "token_command",
            f"gcloud secrets versions add {secret} --data-file=- --project={settings.project_id}",
            "Puts the GitHub token, once, before the delivery stack is applied",
        )
        page = self.console(f"storage/browser/{bucket}")
        self.tell("state_bucket", page, "Where the state of every stack lies")
        self.wait_for(self.project)

    def _grant_github_identities(self) -> None:
        """Let the planner's jobs be of any branch, the deployer's of the delivered one alone."""
        delivered = self.settings.github.branch
        branches = {"planner": None, "deployer": delivered}
        jobs = {role: self._jobs(role, branch) for role, branch in branches.items()}
        github = GithubIdentity(
            self,
            "Github",
            pool_id=self.names.workload_identity_pool,
            project_number=self.settings.project_number,
            jobs=jobs,
        )
        for role in jobs:
            principal = github.principal(role)
            self.accounts[role].grant("roles/iam.workloadIdentityUser", to=principal)

    def _jobs(self, role: str, branch: str | None) -> GithubJobs:
        return GithubJobs(
            repository=self.settings.github.repository,
            environment=self.names.github_environment(role),
            branch=branch,
        )

    def _grant(self) -> None:
        principals = {name: account.principal for name, account in self.accounts.items()}
        planner, deployer = principals["planner"], principals["deployer"]
        self.state.grant("roles/storage.objectViewer", to=planner)
        self.state.grant("roles/storage.objectUser", to=deployer)
        for role in roles.of_planner(self.settings):
            self.project.grant(role, to=planner)
        for role in roles.of_deployer(self.settings):
            self.project.grant(role, to=deployer)
        self.project.grant(
            "roles/resourcemanager.projectIamAdmin",
            to=deployer,
            only_for_roles=roles.grantable(self.settings),
        )
        for account, actors in ACTORS.items():
            for actor in actors:
                self.accounts[account].grant(ACT_AS, to=principals[actor])
        billing_account = self.settings.billing_account
        if billing_account:
            self._show_costs(billing_account)

    def _show_costs(self, billing_account: str) -> None:
        for account, role in roles.COSTS.items():
            member = self.accounts[account].principal.member
            BillingAccountIamMember(
                self,
                f"Billing:{account}",
                billing_account_id=billing_account,
                role=role,
                member=member,
            )

    def _define_roles(self) -> None:
        """Define the custom roles in this stack.

        Anybody who may change a custom role can make it hold anything.
        """
        for purpose, title, permissions in (
            ("predictor", "Asks endpoints", roles.PREDICTOR),
            ("caller", "Runs triggers", roles.CALLER),
            ("untagger", "Takes tags of images away", roles.UNTAGGER),
            ("watcher", "Looks up what is served", roles.WATCHER),
            ("tracer", "Looks up where models came from", roles.TRACER),
        ):
            self.roles[purpose] = self._define_role(purpose, title, permissions)

    def _define_role(
        self, purpose: str, title: str, permissions: tuple[str, ...]
    ) -> ProjectIamCustomRole:
        return ProjectIamCustomRole(
            self,
            purpose.capitalize(),
            role_id=self.names.custom_role_id(purpose),
            title=title,
            permissions=list(permissions),
        )

    def _lend_key(self, version: str) -> None:
        """Let the deployer grant the signing key, which a person has made."""
        keeper = self._define_role("keeper", "Grants a key", roles.KEEPER)
        key = SigningKey(self, "SigningKey", version=version)
        deployer = self.accounts["deployer"].principal
        grant = key.grant(self.names.custom_role("keeper"), to=deployer)
        grant.role = keeper.name  # a reference, so that the role is made before

    def _let_readers_trace(self) -> None:
        """Grant a role on the project here, since the deployer may grant ten roles and no more."""
        tracer = self.names.custom_role("tracer")
        for reader in self.settings.readers:
            self.project.grant(tracer, to=reader, after=self.roles["tracer"])

    def _keep_github_token(self) -> None:
        everywhere = SecretManagerSecretReplication(auto=SecretManagerSecretReplicationAuto())
        token = SecretManagerSecret(
            self, "GithubToken", secret_id=self.names.github_secret, replication=everywhere
        )
        agent = self.names.service_agent("cloudbuild")
        SecretManagerSecretIamMember(
            self,
            "GithubTokenReader",
            secret_id=token.id,
            role="roles/secretmanager.secretAccessor",
            member=agent,
        )
