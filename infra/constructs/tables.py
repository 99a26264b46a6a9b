"""BigQuery tables whose columns are ours."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdktf_cdktf_provider_google.bigquery_table import BigqueryTable, BigqueryTableTimePartitioning
from constructs import Construct

from infra.constructs.dataset import DAY_MILLISECONDS, Dataset

Columns = Sequence[Mapping[str, str]]  # each its name, type and mode


@dataclass(frozen=True)
class Days:
    """A partition for each day of `column`, kept so many days, or for ever."""

    column: str
    kept: int | None = None

    @property
    def partitions(self) -> BigqueryTableTimePartitioning:
        expiration_ms = self.kept * DAY_MILLISECONDS if self.kept else None
        return BigqueryTableTimePartitioning(
            type="DAY", field=self.column, expiration_ms=expiration_ms
        )


class Tables:
    """Makes the tables of one dataset, at `scope` itself: a table's id is the stack's own."""

    def __init__(self, scope: Construct, dataset: Dataset, *, deletable: bool) -> None:
        self.scope, self.dataset, self.deletable = scope, dataset, deletable

    def keep(
        self,
        id_: str,
        name: str,
        columns: Columns,
        *,
        days: Days | None = None,
        sorted_by: Sequence[str] = (),
    ) -> None:
        """Make a table; Terraform refuses to destroy it unless it is deletable."""
        partitions = days.partitions if days else None
        clustering = list(sorted_by) or None
        BigqueryTable(
            self.scope,
            id_,
            dataset_id=self.dataset.resource.dataset_id,
            table_id=name,
            deletion_protection=not self.deletable,
            time_partitioning=partitions,
            clustering=clustering,
            schema=json.dumps(columns),
        )
