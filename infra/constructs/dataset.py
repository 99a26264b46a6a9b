"""A BigQuery dataset and the grants on it."""

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_google.bigquery_dataset import BigqueryDataset
from cdktf_cdktf_provider_google.bigquery_dataset_access import (
    BigqueryDatasetAccessA,
    BigqueryDatasetAccessDatasetA,
    BigqueryDatasetAccessDatasetDatasetA,
)
from cdktf_cdktf_provider_google.bigquery_dataset_iam_member import BigqueryDatasetIamMember
from constructs import Construct

from infra.constructs.grants import Principal, grant_id

DAY_MILLISECONDS = 24 * 3600 * 1000


class Dataset(Construct):
    """Kept unless `deletable`.

    `retention_days` expires partitions: expiring tables would drop a live one N days after it was
    made.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        location: str,
        description: str,
        retention_days: int | None = None,
        deletable: bool = False,
    ) -> None:
        super().__init__(scope, id_)
        if retention_days is not None and retention_days < 1:
            raise ValueError(
                f"retention_days is {retention_days}, "
                "allowed is at least 1, or None to keep everything"
            )
        retention_ms = retention_days * DAY_MILLISECONDS if retention_days else None
        protection = TerraformResourceLifecycle(prevent_destroy=not deletable)
        self.resource = BigqueryDataset(
            self,
            "Resource",
            dataset_id=name,
            location=location,
            description=description,
            default_partition_expiration_ms=retention_ms,
            delete_contents_on_destroy=deletable,
            lifecycle=protection,
        )

    def grant(self, role: str, *, to: str | Principal) -> None:
        """Let the principal `to` act on this dataset."""
        principal = Principal.of(to)
        BigqueryDatasetIamMember(
            self,
            grant_id(role, principal),
            dataset_id=self.resource.dataset_id,
            role=role,
            member=principal.member,
        )

    def let_views_read(self, views: "Dataset") -> None:
        """Let every view in `views` read this dataset, for any reader of the view.

        The view's readers see the view and nothing else.
        """
        source = BigqueryDatasetAccessDatasetDatasetA(
            dataset_id=views.resource.dataset_id, project_id=views.resource.project
        )
        all_views = BigqueryDatasetAccessDatasetA(dataset=source, target_types=["VIEWS"])
        BigqueryDatasetAccessA(
            self,
            f"ViewsOf:{views.node.id}",
            dataset_id=self.resource.dataset_id,
            dataset=all_views,
        )
