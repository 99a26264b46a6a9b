"""The allowed content of query.sql, and the stages able to read its tables."""

from datetime import date

import pytest

from pipeline.errors import ConfigurationError
from pipeline.model import query
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small, edit

LOCATION = r'^location = "US"$'


@pytest.fixture
def ferry(tmp_path):
    """A model on the stage's own table."""
    return copy_small("ferry", tmp_path)


def declare(folder, location):
    edit(folder / "model.toml", r"^window_days", f'location = "{location}"\nwindow_days')


def location(folder, region):
    return query.location(ModelFolder.load(str(folder)), region)


@pytest.mark.parametrize(
    ("declared", "region"),
    [
        ("US", "us-central1"),
        ("EU", "europe-west1"),
        ("europe-west2", "europe-west2"),
    ],
)
def test_a_stage_reads_the_location_that_holds_its_region(cab, declared, region):
    edit(cab / "model.toml", LOCATION, f'location = "{declared}"')

    assert location(cab, region) == declared


@pytest.mark.parametrize(
    ("declared", "region", "allowed"),
    [
        ("US", "europe-west1", "europe-west1 or EU"),
        ("EU", "us-central1", "us-central1 or US"),
        ("EU", "europe-west2", "europe-west2"),
        ("us-east1", "us-central1", "us-central1 or US"),
        ("US", "asia-east1", "asia-east1"),
    ],
)
def test_a_stage_that_cannot_read_the_data_is_told(cab, declared, region, allowed):
    edit(cab / "model.toml", LOCATION, f'location = "{declared}"')

    with pytest.raises(ConfigurationError) as refused:
        location(cab, region)

    assert str(refused.value) == (
        f"{cab}/model.toml: data.location is {declared!r}, "
        f"allowed for a stage in {region} is {allowed}: "
        "BigQuery hands its rows only to a bucket of the same location"
    )


def test_a_query_over_a_dataset_without_a_location_is_refused(cab):
    edit(cab / "model.toml", LOCATION, "")

    with pytest.raises(
        ConfigurationError,
        match=r"data.location is missing, and query.sql reads mill-public.rides.rides: "
        r"allowed is the location of its dataset, such as US or europe-west1",
    ):
        location(cab, "us-central1")


def test_the_stages_own_table_lies_in_its_region(ferry):
    assert location(ferry, "asia-east1") == "asia-east1"


def test_the_stages_own_table_cannot_be_read_beside_another_location(ferry):
    declare(ferry, "US")

    with pytest.raises(
        ConfigurationError, match=r"query.sql also reads @table: allowed is us-east1"
    ):
        location(ferry, "us-east1")


def test_what_a_comment_names_is_not_read(ferry):
    with (ferry / "query.sql").open("a") as file:
        file.write("-- as `mill-public.rides.rides` once was\n/* or `a.b`,\n`c.d` */\n")

    assert location(ferry, "asia-east1") == "asia-east1"


def test_the_window_and_the_table_are_written_out(ferry):
    folder = ModelFolder.load(str(ferry))

    text = query.written_out(folder, "p.d.t", date(2026, 11, 27))

    assert "FROM `p.d.t`" in text
    assert 'leaving < TIMESTAMP("2026-11-27")' in text
    assert 'leaving >= TIMESTAMP("2025-11-27")' in text


def test_a_location_that_is_none_of_bigquerys_is_refused(cab):
    edit(cab / "model.toml", LOCATION, 'location = "Mars"')

    with pytest.raises(ConfigurationError, match=r"data.location is 'Mars', allowed: "):
        ModelFolder.load(str(cab))
