"""The infrastructure, in CDK for Terraform."""

from infra.deploy.cdktf_patches import PROVIDER, register_unexecuted

# Here, since every module of infra comes after it: the package must not be executed before.
register_unexecuted(PROVIDER)
