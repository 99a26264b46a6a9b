"""A stage's readers may ask for lineage by the synthesized grants, and nothing more."""

import dataclasses

import pytest

from environments import DEV
from infra.doctor.calls import (
    CREATE,
    DELETE,
    GET,
    MODEL,
    MODULE,
    OF_READERS_IN_THE_BUCKET,
    OF_READERS_IN_THE_PROJECT,
    RECORD,
    SCRATCH,
)
from tests.infra.conftest import synthesize
from tests.infra.stacks.iam import Place, is_allowed

READER = "group:readers@example.org"
SHARED = dataclasses.replace(DEV, readers=(READER,))
REFUSED_IN_THE_BUCKET = [
    (GET, MODEL),
    (GET, MODULE),
    (GET, SCRATCH),
    (CREATE, RECORD),
    (DELETE, RECORD),
]
REFUSED_IN_THE_PROJECT = [
    "aiplatform.endpoints.predict",
    "aiplatform.endpoints.update",
    "aiplatform.pipelineJobs.create",
    "aiplatform.artifacts.update",
    "aiplatform.contexts.create",
    "bigquery.jobs.create",
]


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """The stacks of dev with a group of readers."""
    return synthesize(tmp_path_factory.mktemp("shared"), {"dev": SHARED})


@pytest.mark.parametrize(("call", "permission", "object_"), OF_READERS_IN_THE_BUCKET)
def test_a_reader_may_read_what_is_served_from_the_bucket(shared, call, permission, object_):
    place = Place(SHARED.names.bucket("artifacts"), object_)

    assert is_allowed(shared, SHARED, READER, permission, place), call


@pytest.mark.parametrize(("permission", "object_"), REFUSED_IN_THE_BUCKET)
def test_a_reader_may_do_nothing_else_in_the_bucket(shared, permission, object_):
    place = Place(SHARED.names.bucket("artifacts"), object_)

    assert not is_allowed(shared, SHARED, READER, permission, place)


@pytest.mark.parametrize(("call", "permission"), OF_READERS_IN_THE_PROJECT)
def test_a_reader_may_ask_for_lineage(shared, call, permission):
    project = Place(SHARED.project_id)

    assert is_allowed(shared, SHARED, READER, permission, project), call


@pytest.mark.parametrize("permission", REFUSED_IN_THE_PROJECT)
def test_a_reader_may_do_nothing_else_in_the_project(shared, permission):
    project = Place(SHARED.project_id)

    assert not is_allowed(shared, SHARED, READER, permission, project)


def test_the_role_is_there_before_its_grant(shared):
    [grant] = [
        each for _, each in shared.each("google_project_iam_member") if each.member == READER
    ]

    assert "google_project_iam_custom_role.Tracer" in grant.depends_on
