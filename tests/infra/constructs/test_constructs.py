"""Each construct's defaults and inputs."""

import json

import pytest

from infra.constructs.alert import Alert, above, absent, logged
from infra.constructs.bucket import Bucket
from infra.constructs.build_trigger import BuildTrigger
from infra.constructs.dashboard import Chart, Dashboard
from infra.constructs.dataset import Dataset
from infra.constructs.endpoint import Endpoint
from infra.constructs.github_identity import GithubIdentity, GithubJobs
from infra.constructs.grants import Principal, grant_id
from infra.constructs.image_registry import ImageRegistry
from infra.constructs.project import Project
from infra.constructs.service_account import ServiceAccount
from infra.constructs.topic import Topic


def test_a_bucket_is_private_versioned_and_kept_by_default(stack, resources):
    Bucket(stack, "B", name="b", location="EU")

    [bucket] = resources(stack, "google_storage_bucket")
    assert bucket.public_access_prevention == "enforced"
    assert bucket.uniform_bucket_level_access is True
    assert bucket.versioning == {"enabled": True}
    assert bucket.force_destroy is False
    assert bucket.lifecycle_rule == []


def test_a_bucket_expires_only_the_prefixes_that_are_named(stack, resources):
    Bucket(stack, "B", name="b", location="EU", expire_after_days={"tmp/": 14})

    [bucket] = resources(stack, "google_storage_bucket")
    assert bucket.lifecycle_rule == [
        {"action": {"type": "Delete"}, "condition": {"age": 14, "matches_prefix": ["tmp/"]}}
    ]


@pytest.mark.parametrize("rules", [{"tmp/": 0}, {"": 14}, {"tmp": 14}])
def test_a_bucket_that_would_expire_at_once_or_whole_is_refused(stack, rules):
    with pytest.raises(ValueError, match="expire_after_days"):
        Bucket(stack, "B", name="b", location="EU", expire_after_days=rules)


def test_a_grant_is_additive_and_named_by_what_and_to_whom(stack, resources):
    bucket = Bucket(stack, "B", name="b", location="EU")

    bucket.grant("roles/storage.objectUser", to="user:ada@example.org")
    bucket.grant("roles/storage.objectUser", to="user:bob@example.org")

    grants = resources(stack, "google_storage_bucket_iam_member")
    assert {grant.role for grant in grants} == {"roles/storage.objectUser"}
    members = [grant.member for grant in grants]
    assert members == ["user:ada@example.org", "user:bob@example.org"]


def test_a_grant_to_nobody_is_refused():
    ada = Principal.of("ada")

    with pytest.raises(ValueError, match="a principal is named 'ada'"):
        grant_id("roles/viewer", ada)


def test_a_grant_to_an_account_of_the_same_stack_waits_for_it(stack, resources):
    account = ServiceAccount(
        stack, "A", email="dev-a@p.iam.gserviceaccount.com", description="tries"
    )

    topic = Topic(stack, "T", name="t")

    topic.grant("roles/pubsub.publisher", to=account.principal)

    [grant] = resources(stack, "google_pubsub_topic_iam_member")
    assert grant.member.startswith("${google_service_account.")


def test_a_dataset_is_kept_and_expires_nothing_by_default(stack, resources):
    Dataset(stack, "D", name="d", location="EU", description="tries")

    [dataset] = resources(stack, "google_bigquery_dataset")
    assert dataset.delete_contents_on_destroy is False
    assert not hasattr(dataset, "default_table_expiration_ms")
    assert not hasattr(dataset, "default_partition_expiration_ms")


def test_a_dataset_expires_partitions_and_never_tables(stack, resources):
    Dataset(stack, "D", name="d", location="EU", description="tries", retention_days=2)

    [dataset] = resources(stack, "google_bigquery_dataset")
    assert dataset.default_partition_expiration_ms == 172_800_000  # two days
    assert not hasattr(dataset, "default_table_expiration_ms")


def test_a_dataset_that_keeps_nothing_is_refused(stack):
    with pytest.raises(ValueError, match="retention_days is 0"):
        Dataset(stack, "D", name="d", location="EU", description="tries", retention_days=0)


def test_views_may_read_a_dataset_that_their_readers_may_not(stack, resources):
    raw = Dataset(stack, "raw", name="raw", location="EU", description="tries")
    views = Dataset(stack, "views", name="views", location="EU", description="tries")

    raw.let_views_read(views)

    [access] = resources(stack, "google_bigquery_dataset_access")
    source = access.dataset["dataset"]
    assert access.dataset["target_types"] == ["VIEWS"]
    assert "google_bigquery_dataset.views" in source["dataset_id"]


def test_an_image_registry_gives_up_tags_and_keeps_what_is_recorded(stack, resources):
    ImageRegistry(
        stack, "R", name="r", location="europe-west1", description="tries", kept_tag="recorded-"
    )

    [registry] = resources(stack, "google_artifact_registry_repository")
    assert not hasattr(registry, "docker_config")
    keep, newest, delete = registry.cleanup_policies
    assert keep["action"] == "KEEP"
    assert keep["condition"] == {"tag_state": "TAGGED", "tag_prefixes": ["recorded-"]}
    assert newest["action"] == "KEEP"
    assert newest["most_recent_versions"] == {"keep_count": 10}
    assert delete["action"] == "DELETE"
    assert delete["condition"] == {"tag_state": "ANY", "older_than": "7776000s"}


def test_an_endpoint_logs_requests_at_its_rate_and_leaves_the_traffic_alone(stack, resources):
    Endpoint(
        stack,
        "E",
        endpoint_id="1234567890",
        display_name="e",
        location="europe-west1",
        log_table="p.d.t",
        sampling_rate=0.25,
    )

    [endpoint] = resources(stack, "google_vertex_ai_endpoint")
    assert endpoint.predict_request_response_logging_config == {
        "enabled": True,
        "sampling_rate": 0.25,
        "bigquery_destination": {"output_uri": "bq://p.d.t"},
    }
    lifecycle = endpoint.lifecycle
    assert lifecycle["ignore_changes"] == ["traffic_split"]


@pytest.mark.parametrize("rate", [0, 1.01])
def test_an_endpoint_with_an_impossible_rate_is_refused(stack, rate):
    with pytest.raises(ValueError, match="sampling_rate"):
        Endpoint(
            stack,
            "E",
            endpoint_id="1",
            display_name="e",
            location="x",
            log_table="p.d.t",
            sampling_rate=rate,
        )


TRIGGER = {
    "name": "t",
    "location": "l",
    "repository": "r",
    "branch": "trunk",
    "recipe": "image",
    "service_account": "a",
    "stage": "dev",
}


def test_a_trigger_asks_for_approval_unless_told_otherwise(stack, resources):
    BuildTrigger(stack, "A", **TRIGGER)
    BuildTrigger(stack, "B", **TRIGGER, approval_required=False)

    first, second = resources(stack, "google_cloudbuild_trigger")
    assert first.approval_config == {"approval_required": True}
    assert second.approval_config == {"approval_required": False}


def test_a_trigger_takes_its_recipe_from_the_commit_that_is_built(stack, resources):
    BuildTrigger(stack, "A", **TRIGGER)

    [trigger] = resources(stack, "google_cloudbuild_trigger")
    assert trigger.git_file_source == {
        "path": "build/image.yaml",
        "repository": "r",
        "repo_type": "GITHUB",
    }
    assert not hasattr(trigger, "pubsub_config")
    assert not hasattr(trigger, "filter")


def test_a_trigger_on_messages_reads_its_recipe_from_the_branch_that_it_builds(stack, resources):
    BuildTrigger(stack, "A", **TRIGGER, topic="projects/p/topics/t")

    [trigger] = resources(stack, "google_cloudbuild_trigger")
    assert trigger.git_file_source["revision"] == "refs/heads/trunk"
    assert trigger.source_to_build["ref"] == "refs/heads/trunk"


def test_a_message_without_what_a_trigger_asks_of_it_starts_nothing(stack, resources):
    attributes = {name: f"$(body.message.attributes.{name})" for name in ("models", "commit")}

    BuildTrigger(stack, "A", **TRIGGER, topic="projects/p/topics/t", **attributes)

    [trigger] = resources(stack, "google_cloudbuild_trigger")
    assert trigger.filter == '_MODELS != "" && _COMMIT != ""'


def test_a_project_keeps_its_apis_when_a_stack_goes(stack, resources):
    Project(stack, "P", project_id="p", apis=["storage"])

    [api] = resources(stack, "google_project_service")
    assert api.service == "storage.googleapis.com"
    assert api.disable_on_destroy is False


def test_an_administrator_of_grants_is_held_to_the_roles_that_are_named(stack, resources):
    project = Project(stack, "P", project_id="p")

    project.grant(
        "roles/resourcemanager.projectIamAdmin", to="user:a@b.c", only_for_roles=["roles/x.y"]
    )

    [grant] = resources(stack, "google_project_iam_member")
    expression = grant.condition["expression"]
    modified = "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', [])"
    assert expression == f"{modified}.hasOnly(['roles/x.y'])"


def test_more_roles_than_a_condition_can_hold_are_refused(stack):
    project = Project(stack, "P", project_id="p")
    roles = [f"roles/{number}" for number in range(11)]

    with pytest.raises(ValueError, match="11 roles may be granted"):
        project.grant("roles/a", to="user:a@b.c", only_for_roles=roles)


def test_github_comes_in_by_one_repository_one_environment_and_one_branch_or_any(stack, resources):
    deployer = GithubJobs(repository="o/r", environment="dev", branch="trunk")
    planner = GithubJobs(repository="o/r", environment="dev-plan", branch=None)
    github = GithubIdentity(
        stack,
        "G",
        pool_id="pool",
        project_number=7,
        jobs={"deployer": deployer, "planner": planner},
    )

    providers = resources(stack, "google_iam_workload_identity_pool_provider")
    conditions = [provider.attribute_condition for provider in providers]
    subjects = [provider.attribute_mapping["google.subject"] for provider in providers]
    of_plan = "assertion.repository == 'o/r' && assertion.environment == 'dev-plan'"
    of_branch = "assertion.environment == 'dev' && assertion.ref == 'refs/heads/trunk'"
    assert conditions == [f"assertion.repository == 'o/r' && {of_branch}", of_plan]
    assert subjects == [
        "assertion.repository + ':' + assertion.environment + ':' + assertion.ref",
        "assertion.repository + ':' + assertion.environment",
    ]
    pool = "principal://iam.googleapis.com/projects/7/locations/global/workloadIdentityPools/pool"
    assert github.principal("deployer") == f"{pool}/subject/o/r:dev:refs/heads/trunk"
    assert github.principal("planner") == f"{pool}/subject/o/r:dev-plan"


def alert(stack, condition):
    Alert(
        stack,
        "A",
        title="t",
        what="something",
        condition=condition,
        runbook="https://x/runbook.md#a",
        channels=["c"],
        stage="dev",
    )


CONDITIONS = [
    above("x", "f", limit=1, aligner="ALIGN_RATE", by="l"),
    absent("x", "f", by="l"),
    logged("x", "f"),
]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_an_alert_says_what_to_do(stack, resources, condition):
    alert(stack, condition)

    [policy] = resources(stack, "google_monitoring_alert_policy")
    content = policy.documentation["content"]
    labels = policy.user_labels
    assert content.endswith("https://x/runbook.md#a")
    assert policy.notification_channels == ["c"]
    assert labels["environment"] == "dev"


def test_an_alert_on_log_entries_limits_its_notices_and_no_other_does(stack, resources):
    for number, condition in enumerate(CONDITIONS):
        Alert(
            stack,
            f"A{number}",
            title="t",
            what="w",
            condition=condition,
            runbook="r",
            channels=[],
            stage="dev",
        )

    limits = []
    for policy in resources(stack, "google_monitoring_alert_policy"):
        strategy = getattr(policy, "alert_strategy", {})
        limits.append(strategy.get("notification_rate_limit"))
    assert limits == [None, None, {"period": "3600s"}]


def test_a_share_is_counted_for_each_value_of_the_label(stack, resources):
    label = "resource.label.endpoint_id"
    share = above("x", "errors", of="all", limit=0.05, aligner="ALIGN_RATE", by=label)
    alert(stack, share)

    [policy] = resources(stack, "google_monitoring_alert_policy")
    [condition] = policy.conditions
    threshold = condition["condition_threshold"]
    assert threshold["filter"] == "errors"
    assert threshold["denominator_filter"] == "all"
    assert threshold["threshold_value"] == 0.05
    aggregations = threshold["aggregations"]
    assert aggregations == threshold["denominator_aggregations"]
    assert aggregations[0]["group_by_fields"] == [label]


@pytest.mark.parametrize("deletable", [True, False])
def test_what_is_kept_cannot_be_destroyed_by_any_command(stack, resources, deletable):
    Bucket(stack, "B", name="b", location="EU", deletable=deletable)
    Dataset(stack, "D", name="d", location="EU", description="tries", deletable=deletable)
    ImageRegistry(
        stack, "R", name="r", location="EU", description="tries", kept_tag="k", deletable=deletable
    )
    Endpoint(
        stack,
        "E",
        endpoint_id="1",
        display_name="e",
        location="x",
        log_table="p.d.t",
        sampling_rate=1,
        deletable=deletable,
    )

    guards = [resource.lifecycle["prevent_destroy"] for resource in resources(stack)]
    assert guards == [not deletable] * 4


def test_a_trigger_on_a_topic_runs_on_its_messages(stack, resources):
    models, commit = "$(body.message.attributes.models)", "$(body.message.attributes.commit)"
    BuildTrigger(stack, "A", **TRIGGER, topic="projects/p/topics/t", models=models, commit=commit)

    [trigger] = resources(stack, "google_cloudbuild_trigger")
    assert trigger.pubsub_config == {"topic": "projects/p/topics/t"}
    assert trigger.substitutions == {"_STAGE": "dev", "_MODELS": models, "_COMMIT": commit}


def test_a_dashboard_sets_its_charts_two_in_a_row(stack, resources):
    charts = [Chart(title, "f", "ALIGN_RATE", "x") for title in "012"]

    Dashboard(stack, "D", title="t", charts=charts)

    [dashboard] = resources(stack, "google_monitoring_dashboard")
    content = json.loads(dashboard.dashboard_json)
    places = [(tile["xPos"], tile["yPos"]) for tile in content["mosaicLayout"]["tiles"]]
    assert places == [(0, 0), (6, 0), (0, 4)]
