"""The stacks of stages with other values, and of more models and stages."""

import dataclasses

import pytest

from environments import DEV, ENVIRONMENTS, STAGING
from infra import roles
from infra.deploy.operations import ORDER
from settings import model_names
from settings.stages import by_stage
from tests.infra.conftest import synthesize

STACK_COUNT = len(("bootstrap", *ORDER))


def test_flags_add_what_can_no_longer_be_made_and_are_off(synthesized, tmp_path):
    plain_models = list(synthesized.each("google_ml_engine_model"))
    dated = dataclasses.replace(DEV, legacy_ai_platform=True, gcr_repository=True)

    flagged = synthesize(tmp_path, {"dev": dated})

    assert plain_models == []
    legacy_models = {model.name for _, model in flagged.each("google_ml_engine_model")}
    assert legacy_models == {dated.names.legacy_model(model) for model in model_names()}
    repositories = flagged.each("google_artifact_registry_repository")
    repository_ids = {repository.repository_id for _, repository in repositories}
    assert repository_ids == {dated.names.repository, "gcr.io"}


def test_a_budget_is_made_where_the_account_is_known(tmp_path):
    billed = dataclasses.replace(DEV, billing_account="012345-6789AB-CDEF01", monthly_budget=300)

    stacks = synthesize(tmp_path, {"dev": billed})

    [(_, budget)] = stacks.each("google_billing_budget")
    assert budget.amount == {"specified_amount": {"units": "300"}}
    granted_roles = {grant.role for _, grant in stacks.each("google_billing_account_iam_member")}
    assert granted_roles == set(roles.COSTS.values())


def test_readers_see_views_and_lineage_and_consumers_predict_and_neither_more(tmp_path):
    readers, consumers = "group:readers@example.org", "group:callers@example.org"
    shared = dataclasses.replace(DEV, readers=(readers,), consumers=(consumers,))
    predictor, tracer = (shared.names.custom_role(role) for role in ("predictor", "tracer"))

    stacks = synthesize(tmp_path, {"dev": shared})

    grants = [grant for grant in stacks.grants() if "example.org" in grant.member]
    members = [(grant.type, grant.role, grant.member) for grant in grants]
    bucket = "google_storage_bucket_iam_member"
    assert sorted(members) == [
        ("google_bigquery_dataset_iam_member", "roles/bigquery.dataViewer", readers),
        ("google_project_iam_member", predictor, consumers),
        ("google_project_iam_member", tracer, readers),
        (bucket, "roles/storage.legacyBucketReader", readers),
        (bucket, "roles/storage.objectViewer", readers),
    ]


def test_thirty_models_are_stood_up_in_every_environment(tmp_path):
    models = [f"model_{i}" for i in range(30)]
    count = 30 * len(ENVIRONMENTS)

    stacks = synthesize(tmp_path, models=models)

    names = [endpoint.name for _, endpoint in stacks.each("google_vertex_ai_endpoint")]
    assert len(names) == count
    assert len(set(names)) == count


def test_dataflow_s_workers_get_a_network_of_their_own_where_the_team_names_none(
    synthesized, tmp_path
):
    named = dataclasses.replace(STAGING, network="mill-hub/workers", promotes_from=None)

    [subnetwork] = synthesized.of("foundation-staging", "google_compute_subnetwork")
    [network] = synthesized.of("foundation-staging", "google_compute_network")
    made = networks_and_roles(synthesized, "staging")
    on_dev = networks_and_roles(synthesized, "dev")
    named_stacks = synthesize(tmp_path, {"staging": named})
    on_named = networks_and_roles(named_stacks, "staging")

    assert subnetwork.name == STAGING.names.network
    assert subnetwork.region == STAGING.region
    assert subnetwork.private_ip_google_access is True
    assert network.auto_create_subnetworks is False
    assert made == {"google_compute_network", "google_compute_subnetwork", *NETWORK_ROLES}
    assert on_dev == set()
    assert on_named == set()


NETWORK_ROLES = ("roles/compute.networkAdmin", "roles/compute.networkViewer")


def networks_and_roles(stacks, stage):
    """A stage's part of Compute Engine: its resources, and CI's roles."""
    types = {type_ for type_ in stacks.types(f"foundation-{stage}") if "compute" in type_}
    grants = stacks.of(f"bootstrap-{stage}", "google_project_iam_member")
    return types | {grant.role for grant in grants if "compute" in grant.role}


@pytest.mark.parametrize("count", [1, 5])
def test_a_team_may_have_one_stage_or_five(tmp_path, count):
    chain = [DEV]
    for number in range(1, count):
        previous = chain[-1].stage
        settings = dataclasses.replace(DEV, stage=f"stage{number}", promotes_from=previous)
        chain.append(settings)

    synthesized = synthesize(tmp_path, by_stage(*chain))

    triggers = [trigger.name for _, trigger in synthesized.each("google_cloudbuild_trigger")]
    image_triggers = [name for name in triggers if name.endswith("-image")]
    promote_triggers = [name for name in triggers if name.endswith("-promote")]
    assert len(synthesized.stacks) == count * STACK_COUNT
    assert len(image_triggers) == 1
    assert len(promote_triggers) == count - 1
