"""The rules for every stage, independent of its values."""

import json
import re
from urllib.parse import parse_qsl, urlsplit

import pytest

from environments import ENVIRONMENTS
from infra.deploy.operations import ORDER
from settings import REPOSITORY, model_names
from settings.names import RECORDED_TAG
from tests.infra.conftest import every_stage, stage_of
from tests.infra.stacks.inventory import inventory, read

STACKS = ("bootstrap", *ORDER)
STAGE_COUNT = len(ENVIRONMENTS)
BUCKET = "google_storage_bucket"
DATASET = "google_bigquery_dataset"
BOOTSTRAP_ONLY = {
    "google_project_iam_custom_role",
    "google_iam_workload_identity_pool",
    "google_iam_workload_identity_pool_provider",
    "google_service_account",
    "google_service_account_iam_member",
}


def test_every_environment_has_every_stack(synthesized):
    names = {f"{stack}-{stage}" for stack in STACKS for stage in ENVIRONMENTS}

    assert set(synthesized.stacks) == names


@every_stage
def test_the_inventory_is_the_reviewed_one(synthesized, settings):
    resources = inventory(synthesized.stacks, settings.stage)

    reviewed_resources = read(settings.stage)
    assert resources == reviewed_resources, "review the change, then `make inventories`"


def test_nothing_in_prod_is_deletable(synthesized):
    guards = {
        "force_destroy": False,
        "delete_contents_on_destroy": False,
        "deletion_protection": True,
    }
    prod = [resource for stack, resource in synthesized.each() if stage_of(stack) == "prod"]

    names = set()
    for resource in prod:
        configuration = vars(resource)
        for name in guards.keys() & configuration:
            assert configuration[name] is guards[name], (name, resource)
            names.add(name)
    assert names == set(guards)


def test_every_bucket_is_private(synthesized):
    buckets = list(synthesized.each(BUCKET))

    assert len(buckets) == 2 * STAGE_COUNT
    for stack, bucket in buckets:
        assert bucket.public_access_prevention == "enforced", stack
        assert bucket.uniform_bucket_level_access is True, stack


def test_in_the_artifacts_bucket_only_scratch_expires(synthesized):
    stacks = set()
    for stack, bucket in synthesized.each(BUCKET):
        for rule in bucket.lifecycle_rule:
            condition = rule["condition"]
            assert condition["matches_prefix"] == ["tmp/"], stack
            stacks.add(stack)

    assert stacks == {f"foundation-{stage}" for stage in ENVIRONMENTS}


@every_stage
def test_every_partition_of_the_request_log_expires(synthesized, settings):
    requests = settings.names.dataset("requests")
    days = settings.request_log.retention_days

    datasets = synthesized.of(f"serving-{settings.stage}", DATASET)

    [raw] = [dataset for dataset in datasets if dataset.dataset_id == requests]
    assert raw.default_partition_expiration_ms == days * 86_400_000
    for dataset in datasets:
        assert not hasattr(dataset, "default_table_expiration_ms"), dataset.dataset_id


def test_every_stack_labels_what_it_makes(synthesized):
    for name, stack in synthesized.stacks.items():
        kind, stage = name.split("-")
        labels = {"environment": stage, "managed-by": "esteira", "stack": kind}
        [google] = stack["provider"]["google"]
        assert google["default_labels"] == labels


def test_no_stack_reads_another_ones_state_or_asks_an_api(synthesized):
    assert synthesized.stacks
    for name, stack in synthesized.stacks.items():
        assert "data" not in stack, name
        providers = stack["terraform"]["required_providers"]
        assert list(providers) == ["google"], name
        google = providers["google"]
        assert google["version"] == "6.50.0", name


def test_the_provider_is_locked_by_hash_at_the_version_that_every_stack_asks_for(synthesized):
    lock = (REPOSITORY / "infra/terraform.lock.hcl").read_text()
    hashes = re.findall(r'"(?:zh|h1):[^"]+"', lock)

    locked_versions = re.findall(r'^  version += "(\S+)"$', lock, re.MULTILINE)

    assert hashes
    for stack in synthesized.stacks.values():
        google = stack["terraform"]["required_providers"]["google"]
        assert locked_versions == [google["version"]]


@every_stage
def test_state_lies_in_the_stages_own_bucket(synthesized, settings):
    own = [name for name in synthesized.stacks if name.endswith(settings.stage)]
    bucket = settings.names.bucket("state")

    assert set(own) == {f"{kind}-{settings.stage}" for kind in STACKS}
    for name in own:
        terraform = synthesized.stacks[name]["terraform"]
        backend = terraform["backend"]["gcs"]
        assert backend["bucket"] == bucket
        assert backend["prefix"] == name.removesuffix(f"-{settings.stage}")


@every_stage
def test_identities_and_custom_roles_are_made_where_ci_cannot_reach(synthesized, settings):
    bootstrap = synthesized.types(f"bootstrap-{settings.stage}")

    assert bootstrap >= BOOTSTRAP_ONLY
    for name in ORDER:
        types = synthesized.types(f"{name}-{settings.stage}")
        assert types.isdisjoint(BOOTSTRAP_ONLY), name


@every_stage
def test_outputs_are_for_people(synthesized, settings):
    foundation = synthesized.stacks[f"foundation-{settings.stage}"]
    serving = synthesized.stacks[f"serving-{settings.stage}"]
    outputs = {name: output["value"] for name, output in serving["output"].items()}
    project, region = settings.project_id, settings.region
    api = f"https://{region}-aiplatform.googleapis.com/v1"
    dataset = settings.names.dataset("requests")

    for model in model_names():
        number = settings.names.endpoint(model)
        endpoint = f"projects/{project}/locations/{region}/endpoints/{number}"
        assert outputs[f"{model}_predict_url"] == f"{api}/{endpoint}:predict"
        assert outputs[f"{model}_log_table"] == f"{project}.{dataset}.{model}"
    assert "reports" in foundation["output"]


@every_stage
def test_looker_studio_opens_over_the_readers_view(synthesized, settings):
    """https://developers.google.com/looker-studio/integrate/linking-api"""
    serving = synthesized.stacks[f"serving-{settings.stage}"]

    for model in model_names():
        address = urlsplit(serving["output"][f"{model}_looker_studio"]["value"])
        parameters = dict(parse_qsl(address.query))
        assert parameters["ds.connector"] == "bigQuery"
        assert parameters["ds.type"] == "TABLE"
        assert parameters["ds.projectId"] == settings.project_id
        assert parameters["ds.datasetId"] == settings.names.dataset("views")
        assert parameters["ds.tableId"] == model


def test_ids_are_the_same_in_every_environment_that_promotes(synthesized):
    """Stages differ by values: no id carries a stage.

    A rename would replace the resource.
    """
    for stack in ("delivery", "serving"):
        staging = ids_by_type(synthesized, f"{stack}-staging")
        prod = ids_by_type(synthesized, f"{stack}-prod")
        assert staging == prod


def ids_by_type(synthesized, stack):
    """The ids of a stack's resources but grants, by type."""
    types = [type_ for type_ in synthesized.types(stack) if not type_.endswith("_iam_member")]
    return {type_: set(synthesized.by_id(stack, type_)) for type_ in types}


def test_what_a_delivery_records_is_kept_by_every_registry(synthesized):
    condition = {"tag_state": "TAGGED", "tag_prefixes": [RECORDED_TAG]}

    registries = list(synthesized.each("google_artifact_registry_repository"))

    assert len(registries) == 3
    for stack, registry in registries:
        policies = registry.cleanup_policies
        [keep] = [policy for policy in policies if policy["id"] == "keep-recorded"]
        assert keep["condition"] == condition, stack


@every_stage
def test_verdicts_and_acceptances_stay_and_a_profile_goes_after_five_years(synthesized, settings):
    tables = tables_of(synthesized, settings.stage)

    five_years_ms = (5 * 365 + 1) * 86_400_000
    assert set(tables) == {"verdicts", "acceptances", "profiles"}
    assert tables["verdicts"].time_partitioning == {"type": "DAY", "field": "window_end"}
    assert not hasattr(tables["acceptances"], "time_partitioning")
    profile_days = {"type": "DAY", "field": "day", "expiration_ms": five_years_ms}
    assert tables["profiles"].time_partitioning == profile_days
    assert tables["profiles"].clustering == ["model"]


@every_stage
def test_a_table_is_partitioned_by_a_day_and_sorted_by_columns_that_it_has(synthesized, settings):
    tables = tables_of(synthesized, settings.stage)

    for name, table in tables.items():
        types = {column["name"]: column["type"] for column in json.loads(table.schema)}
        partitioning = getattr(table, "time_partitioning", {})
        if partitioning:
            assert types[partitioning["field"]] in ("DATE", "TIMESTAMP"), name
        assert set(getattr(table, "clustering", [])) <= set(types), name


def tables_of(synthesized, stage):
    """The tables of the stage's verdicts, by name."""
    tables = synthesized.of(f"monitoring-{stage}", "google_bigquery_table")
    return {table.table_id: table for table in tables}


@pytest.mark.parametrize("stack", ["bootstrap", "foundation"])
def test_nothing_is_made_before_the_apis_are_on(synthesized, stack):
    name, service = f"{stack}-dev", "google_project_service"
    apis = {f"{service}.{id_}" for id_ in synthesized.by_id(name, service)}
    types = synthesized.types(name) - {service}

    for resource in synthesized.of(name, *types):
        dependencies = getattr(resource, "depends_on", [])
        assert set(dependencies) == apis, resource
