"""The tables that Terraform makes for the monitor are those that the monitor writes."""

import json

import pytest

from pipeline.monitoring import columns
from pipeline.monitoring.log import profile_columns
from tests.infra.conftest import every_stage

WRITTEN = {
    "profiles": profile_columns.PROFILES,
    "verdicts": columns.VERDICTS,
    "acceptances": columns.ACCEPTANCES,
}
FIELD = ("name", "type", "mode")


@every_stage
@pytest.mark.parametrize("name", WRITTEN)
def test_a_table_has_the_columns_that_are_written(synthesized, settings, name):
    table = table_of(synthesized, settings, name)

    fields = [dict(zip(FIELD, column, strict=True)) for column in WRITTEN[name]]
    assert json.loads(table.schema) == fields


@every_stage
def test_the_profiles_lie_as_the_monitor_would_have_made_them(synthesized, settings):
    table = table_of(synthesized, settings, "profiles")

    assert table.time_partitioning["field"] == profile_columns.PARTITIONED_BY
    assert table.clustering == list(profile_columns.CLUSTERED_BY)


def table_of(synthesized, settings, name):
    tables = synthesized.of(f"monitoring-{settings.stage}", "google_bigquery_table")
    by_name = {table.table_id: table for table in tables}
    return by_name[name]
