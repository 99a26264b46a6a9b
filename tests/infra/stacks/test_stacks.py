"""The rules for every environment, independent of its values."""

import dataclasses
import json
import re

import pytest

from environments import DEV, ENVIRONMENTS, PROD
from infra import roles
from infra.deploy.operations import ORDER
from settings import REPOSITORY, model_names
from settings.names import RECORDED_TAG
from settings.stages import by_stage
from tests.infra.conftest import synthesize
from tests.infra.stacks.inventory import inventory, read

STACKS = ("bootstrap", *ORDER)
IAM_MEMBER = re.compile(r"google_\w+_iam_member")
EVERYONE = ("allUsers", "allAuthenticatedUsers")
BASIC_ROLES = ("roles/owner", "roles/editor", "roles/viewer")
ALL_STAGES = pytest.mark.parametrize(
    "settings", ENVIRONMENTS.values(), ids=lambda settings: settings.stage
)


def grants(synthesized):
    for stack in synthesized.stacks:
        for type_, bodies in synthesized.resources(stack).items():
            if IAM_MEMBER.fullmatch(type_):
                yield from ((stack, type_, body) for body in bodies.values())


def test_every_environment_has_every_stack(synthesized):
    assert set(synthesized.stacks) == {
        f"{stack}-{stage}" for stack in STACKS for stage in ENVIRONMENTS
    }


@ALL_STAGES
def test_the_inventory_is_the_reviewed_one(synthesized, settings):
    assert inventory(synthesized.stacks, settings.stage) == read(settings.stage), (
        "review the change, then `make inventories`"
    )


def test_nothing_is_granted_to_everyone(synthesized):
    all_grants = list(grants(synthesized))

    assert len(all_grants) > 100
    assert [(stack, g["member"]) for stack, _, g in all_grants if g["member"] in EVERYONE] == []


def test_no_basic_role_is_granted(synthesized):
    assert [
        (stack, g["member"]) for stack, _, g in grants(synthesized) if g["role"] in BASIC_ROLES
    ] == []


def test_grants_are_additive(synthesized):
    exclusive = re.compile(r"google_\w+_iam_(binding|policy)")

    assert [
        type_
        for stack in synthesized.stacks
        for type_ in synthesized.resources(stack)
        if exclusive.fullmatch(type_)
    ] == []


def test_no_account_has_a_key(synthesized):
    assert [
        stack
        for stack, _ in synthesized.each("google_service_account_key", "google_storage_hmac_key")
    ] == []


def test_nothing_in_prod_is_deletable(synthesized):
    guards = {
        "force_destroy": False,
        "delete_contents_on_destroy": False,
        "deletion_protection": True,
    }
    prod = [body for stack, body in synthesized.each() if stack.endswith("-prod")]
    flags = [(key, body[key]) for body in prod for key in guards if key in body]

    assert {key for key, _ in flags} == set(guards)
    assert [(key, value) for key, value in flags if value is not guards[key]] == []


def test_every_bucket_is_private(synthesized):
    buckets = list(synthesized.each("google_storage_bucket"))

    assert len(buckets) == 2 * len(ENVIRONMENTS)
    assert {
        (b["public_access_prevention"], b["uniform_bucket_level_access"]) for _, b in buckets
    } == {("enforced", True)}


def test_in_the_artifacts_bucket_only_scratch_expires(synthesized):
    expiring = {
        stack: body["lifecycle_rule"]
        for stack, body in synthesized.each("google_storage_bucket")
        if body["lifecycle_rule"]
    }

    assert set(expiring) == {f"foundation-{stage}" for stage in ENVIRONMENTS}
    assert {
        tuple(rule["condition"]["matches_prefix"]) for rules in expiring.values() for rule in rules
    } == {("tmp/",)}


@ALL_STAGES
def test_every_partition_of_the_request_log_expires(synthesized, settings):
    datasets = synthesized.resources(f"serving-{settings.stage}")[
        "google_bigquery_dataset"
    ].values()
    [raw] = [
        dataset
        for dataset in datasets
        if dataset["dataset_id"] == settings.names.dataset("requests")
    ]

    assert (
        raw["default_partition_expiration_ms"] == settings.request_log.retention_days * 86_400_000
    )
    assert all("default_table_expiration_ms" not in dataset for dataset in datasets)


def test_every_stack_labels_what_it_makes(synthesized):
    labels = {
        name: stack["provider"]["google"][0]["default_labels"]
        for name, stack in synthesized.stacks.items()
    }

    assert all(
        label
        == {"environment": name.split("-")[1], "managed-by": "esteira", "stack": name.split("-")[0]}
        for name, label in labels.items()
    )


def test_every_trigger_acts_as_an_account_of_its_stage(synthesized):
    triggers = list(synthesized.each("google_cloudbuild_trigger"))

    assert len(triggers) == 4 * len(ENVIRONMENTS)
    for stack, trigger in triggers:
        names = ENVIRONMENTS[stack.split("-")[1]].names
        assert trigger["service_account"] in {
            names.service_account_resource("builder"),
            names.service_account_resource("monitor"),
        }


def test_every_trigger_supplies_what_its_recipe_takes(synthesized):
    for stack, trigger in synthesized.each("google_cloudbuild_trigger"):
        assert trigger["substitutions"]["_STAGE"] == stack.split("-")[1]
        recipe = REPOSITORY / trigger["git_file_source"]["path"]
        own = {"_COMMIT"} if recipe.stem == "promote" else set()
        assert set(trigger["substitutions"]) == {"_STAGE", "_MODELS"} | own
        assert (
            set(re.findall(r"\$\{?(_[A-Z]+)", recipe.read_text())) == {"_STAGE", "_MODELS"} | own
        ), recipe


def test_whatever_changes_what_prod_serves_waits_for_an_approval(synthesized):
    triggers = {
        body["name"]: body["approval_config"]["approval_required"]
        for stack, body in synthesized.each("google_cloudbuild_trigger")
        if stack == "delivery-prod"
    }

    assert triggers == {
        "prod-promote": False,
        "prod-modules": True,
        "prod-retrain": False,
        "prod-monitor": False,
    }  # what only asks doesn't


def test_the_first_stage_builds_and_the_others_promote(synthesized):
    recipes = {
        stage: sorted(
            body["git_file_source"]["path"]
            for body in synthesized.resources(f"delivery-{stage}")[
                "google_cloudbuild_trigger"
            ].values()
        )
        for stage in ENVIRONMENTS
    }

    always = ["build/modules.yaml", "build/monitor.yaml", "build/retrain.yaml"]
    assert recipes == {
        "dev": sorted(["build/image.yaml", *always]),
        "staging": sorted(["build/promote.yaml", *always]),
        "prod": sorted(["build/promote.yaml", *always]),
    }


@ALL_STAGES
def test_triggers_are_run_by_the_stage_s_own_builder_and_by_no_account_else(synthesized, settings):
    callers = [
        (stack, g["member"])
        for stack, _, g in grants(synthesized)
        if g["role"] == settings.names.custom_role("caller")
    ]

    assert callers == [(f"delivery-{settings.stage}", settings.names.member("builder"))]


@ALL_STAGES
def test_an_account_is_handed_over_by_who_starts_what_runs_as_it_and_by_no_one_else(
    synthesized, settings
):
    bootstrap = synthesized.resources(f"bootstrap-{settings.stage}")
    roles_of = {
        id_: body["account_id"].removeprefix(f"{settings.stage}-")
        for id_, body in bootstrap["google_service_account"].items()
    }

    actors = {}
    for grant in bootstrap["google_service_account_iam_member"].values():
        if grant["role"] == "roles/iam.serviceAccountUser":
            account, actor = (
                roles_of[grant[field].split(".")[1]] for field in ("service_account_id", "member")
            )
            actors.setdefault(account, set()).add(actor)

    assert actors == {
        "builder": {"deployer", "builder"},
        "monitor": {"deployer"},
        "pipeline": {"builder", "pipeline"},
        "server": {"builder", "pipeline"},
    }


def test_a_stage_reads_what_passed_before_it_and_asks_the_next_and_may_do_nothing_else_in_another(
    synthesized,
):
    """Above all, neither run a trigger there nor act as an account."""
    across = []
    for stack, _, g in grants(synthesized):
        own = ENVIRONMENTS[stack.split("-")[1]]
        neighbours = [settings for settings in ENVIRONMENTS.values() if settings is not own]
        if any(
            f"@{neighbour.project_id}." in g["member"]
            or str(neighbour.project_number) in g["member"]
            for neighbour in neighbours
        ):
            across.append((stack, g["role"], g["member"]))
        assert g.get("project", own.project_id) == own.project_id

    expected = []
    for settings in (settings for settings in ENVIRONMENTS.values() if settings.promotes_from):
        previous, builder = ENVIRONMENTS[settings.promotes_from], settings.names.member("builder")
        expected += [
            (f"foundation-{previous.stage}", role, builder)
            for role in ("roles/storage.objectViewer", "roles/artifactregistry.reader")
        ]
        expected += [
            (
                f"delivery-{settings.stage}",
                "roles/pubsub.publisher",
                previous.names.member("builder"),
            )
        ]
    assert sorted(across) == sorted(expected)


@ALL_STAGES
def test_the_builder_of_the_stage_before_asks_for_a_promotion_and_the_monitor_for_a_retraining(
    synthesized, settings
):
    delivery = synthesized.resources(f"delivery-{settings.stage}")
    topics = {
        f"${{google_pubsub_topic.{id_}.name}}": body["name"]
        for id_, body in delivery["google_pubsub_topic"].items()
    }

    publishers = {
        (topics[g["topic"]], g["role"], g["member"])
        for g in delivery["google_pubsub_topic_iam_member"].values()
    }

    expected = {("retrain", settings.names.member("monitor"))}
    if settings.promotes_from:
        expected.add(("promote", ENVIRONMENTS[settings.promotes_from].names.member("builder")))
    assert publishers == {
        (settings.names.topic(purpose), "roles/pubsub.publisher", member)
        for purpose, member in expected
    }


def test_no_stack_reads_another_ones_state_or_asks_an_api(synthesized):
    assert [name for name, stack in synthesized.stacks.items() if "data" in stack] == []
    assert {
        tuple(stack["terraform"]["required_providers"]) for stack in synthesized.stacks.values()
    } == {("google",)}
    assert {
        stack["terraform"]["required_providers"]["google"]["version"]
        for stack in synthesized.stacks.values()
    } == {"6.50.0"}


@ALL_STAGES
def test_state_lies_in_the_stages_own_bucket(synthesized, settings):
    backends = {
        name: stack["terraform"]["backend"]["gcs"]
        for name, stack in synthesized.stacks.items()
        if name.endswith(settings.stage)
    }

    assert {backend["bucket"] for backend in backends.values()} == {settings.names.bucket("state")}
    assert {name: backend["prefix"] for name, backend in backends.items()} == {
        f"{stack}-{settings.stage}": stack for stack in STACKS
    }


@ALL_STAGES
def test_the_deployer_may_grant_what_its_stacks_grant_and_no_role_of_its_own(synthesized, settings):
    granted = {
        g["role"]
        for stack, type_, g in grants(synthesized)
        if type_ == "google_project_iam_member"
        and stack in {f"{name}-{settings.stage}" for name in ORDER}
    }
    grantable = set(roles.grantable(settings))

    assert granted <= grantable
    assert not grantable & {*roles.of_deployer(settings), "roles/resourcemanager.projectIamAdmin"}
    assert len(grantable) <= 10


def test_the_planner_can_only_read():
    """It may also use the project's quota: the Budget API needs one."""
    reading = re.compile(r".*([vV]iewer|[rR]eader|securityReviewer|browser)")

    assert [role for role in roles.PLANNER if not reading.fullmatch(role)] == [
        "roles/serviceusage.serviceUsageConsumer"
    ]


@ALL_STAGES
def test_identities_and_custom_roles_are_made_where_ci_cannot_reach(synthesized, settings):
    bootstrap_only = {
        "google_project_iam_custom_role",
        "google_iam_workload_identity_pool",
        "google_iam_workload_identity_pool_provider",
        "google_service_account",
        "google_service_account_iam_member",
    }
    elsewhere = {
        type_ for name in ORDER for type_ in synthesized.resources(f"{name}-{settings.stage}")
    }

    assert not bootstrap_only & elsewhere
    assert bootstrap_only <= set(synthesized.resources(f"bootstrap-{settings.stage}"))


def test_every_alert_has_its_page_in_the_runbook(synthesized):
    headings = {
        line[3:].strip().lower().replace(" ", "-")
        for line in (REPOSITORY / "docs/runbook.md").read_text().splitlines()
        if line.startswith("## ")
    }
    links = {
        re.search(r"runbook\.md#(\S+)", a["documentation"]["content"])[1]
        for _, a in synthesized.each("google_monitoring_alert_policy")
    }

    assert len(links) == 9
    assert links <= headings


def test_alerts_reach_the_addresses_of_their_environment(synthesized):
    mails = [
        body["labels"]["email_address"]
        for stack, body in synthesized.each("google_monitoring_notification_channel")
        if stack == "monitoring-prod"
    ]

    assert mails == list(PROD.alert_emails)
    assert all(
        len(a["notification_channels"]) == len(mails)
        for stack, a in synthesized.each("google_monitoring_alert_policy")
        if stack == "monitoring-prod"
    )


@ALL_STAGES
def test_outputs_are_for_people(synthesized, settings):
    outputs = {
        name: body["value"]
        for name, body in synthesized.stacks[f"serving-{settings.stage}"]["output"].items()
    }

    for model in model_names():
        endpoint = (
            f"projects/{settings.project_id}/locations/{settings.region}/endpoints/"
            f"{settings.names.endpoint(model)}"
        )
        assert (
            outputs[f"{model}_predict_url"]
            == f"https://{settings.region}-aiplatform.googleapis.com/v1/{endpoint}:predict"
        )
        assert (
            outputs[f"{model}_log_table"]
            == f"{settings.project_id}.{settings.names.dataset('requests')}.{model}"
        )
    assert "reports" in synthesized.stacks[f"foundation-{settings.stage}"]["output"]


def test_flags_add_what_can_no_longer_be_made_and_are_off(synthesized, tmp_path):
    assert [stack for stack, _ in synthesized.each("google_ml_engine_model")] == []

    dated = dataclasses.replace(DEV, legacy_ai_platform=True, gcr_repository=True)
    flagged = synthesize(tmp_path, {"dev": dated})

    assert {body["name"] for _, body in flagged.each("google_ml_engine_model")} == {
        dated.names.legacy_model(model) for model in model_names()
    }
    assert {
        body["repository_id"] for _, body in flagged.each("google_artifact_registry_repository")
    } == {dated.names.repository, "gcr.io"}


def test_a_budget_is_made_where_the_account_is_known(tmp_path):
    billed = dataclasses.replace(DEV, billing_account="012345-6789AB-CDEF01", monthly_budget=300)

    stacks = synthesize(tmp_path, {"dev": billed})

    [(_, budget)] = stacks.each("google_billing_budget")
    assert budget["amount"] == {"specified_amount": {"units": "300"}}
    assert {body["role"] for _, body in stacks.each("google_billing_account_iam_member")} == set(
        roles.COSTS.values()
    )


def test_readers_see_the_views_and_consumers_predict_and_neither_more(tmp_path):
    shared = dataclasses.replace(
        DEV, readers=("group:readers@example.org",), consumers=("group:callers@example.org",)
    )

    members = [
        (type_, g["role"], g["member"])
        for _, type_, g in grants(synthesize(tmp_path, {"dev": shared}))
        if "example.org" in g["member"]
    ]

    assert members == [
        (
            "google_bigquery_dataset_iam_member",
            "roles/bigquery.dataViewer",
            "group:readers@example.org",
        ),
        (
            "google_project_iam_member",
            shared.names.custom_role("predictor"),
            "group:callers@example.org",
        ),
    ]


def test_thirty_models_are_stood_up_in_every_environment(tmp_path):
    models = [f"model_{i}" for i in range(30)]

    stacks = synthesize(tmp_path, models=models)

    endpoints = [(stack, body["name"]) for stack, body in stacks.each("google_vertex_ai_endpoint")]
    assert len(endpoints) == len({name for _, name in endpoints}) == 30 * len(ENVIRONMENTS)


def test_ids_are_the_same_in_every_environment_that_promotes(synthesized):
    """What differs between stages is a value: no id carries a stage.

    A rename would replace the resource.
    """
    for stack in ("delivery", "serving"):
        staging, prod = (
            {
                type_: set(bodies)
                for type_, bodies in synthesized.resources(f"{stack}-{stage}").items()
                if not IAM_MEMBER.fullmatch(type_)
            }
            for stage in ("staging", "prod")
        )
        assert staging == prod


def test_what_a_delivery_records_is_kept_by_every_registry(synthesized):
    registries = [
        body["cleanup_policies"]
        for _, body in synthesized.each("google_artifact_registry_repository")
    ]

    condition = {"tag_state": "TAGGED", "tag_prefixes": [RECORDED_TAG]}
    assert [
        [policy["condition"] for policy in policies if policy["id"] == "keep-recorded"]
        for policies in registries
    ] == [[condition]] * 3


def test_the_verdict_table_is_partitioned_and_its_columns_are_typed(synthesized):
    tables = [table for _, table in synthesized.each("google_bigquery_table")]

    assert [table["time_partitioning"] for table in tables] == [
        {"type": "DAY", "field": "window_end"}
    ] * len(ENVIRONMENTS)
    assert {
        column["type"]
        for table in tables
        for column in json.loads(table["schema"])
        if column["name"] == "window_end"
    } == {"TIMESTAMP"}


ASKED = {
    "_MODELS": "$(body.message.attributes.models)",
    "_COMMIT": "$(body.message.attributes.commit)",
}


@pytest.mark.parametrize(
    ("stage", "own"),
    [
        ("dev", {"image": (None, {"_MODELS": "all"})}),
        ("staging", {"promote": ("promote", ASKED)}),
        ("prod", {"promote": ("promote", ASKED)}),
    ],
)
def test_triggers_ride_on_the_topics_that_are_meant(synthesized, stage, own):
    delivery, names = synthesized.resources(f"delivery-{stage}"), ENVIRONMENTS[stage].names
    topics = {
        f"${{google_pubsub_topic.{id_}.id}}": body["name"]
        for id_, body in delivery["google_pubsub_topic"].items()
    }

    ridden = {}
    for body in delivery["google_cloudbuild_trigger"].values():
        substitutions = {
            name: value for name, value in body["substitutions"].items() if name != "_STAGE"
        }
        topic = topics.get(body.get("pubsub_config", {}).get("topic"))
        ridden[body["name"]] = (topic, substitutions)

    expected = {
        "modules": (None, {"_MODELS": "all"}),
        "retrain": ("retrain", {"_MODELS": ASKED["_MODELS"]}),
        "monitor": ("monitor", {"_MODELS": "all"}),
        **own,
    }
    assert ridden == {
        names.trigger(recipe): (topic and names.topic(topic), substitutions)
        for recipe, (topic, substitutions) in expected.items()
    }
    [job] = delivery["google_cloud_scheduler_job"].values()
    assert topics[job["pubsub_target"]["topic_name"]] == names.topic("monitor")


def test_each_alert_asks_for_what_its_title_says(synthesized):
    conditions = {}
    for body in synthesized.resources("monitoring-dev")["google_monitoring_alert_policy"].values():
        [condition] = body["conditions"]
        [(kind, asking)] = [
            (key, value) for key, value in condition.items() if key.startswith("condition_")
        ]
        conditions[body["display_name"]] = (
            kind,
            re.search(
                r'/online/(\w+)|event="(\w+)"|logs/(cloudbuild)|user/(\S+)"', asking["filter"]
            )
            .group()
            .strip('"'),
        )

    metric = next(
        id_
        for id_, body in synthesized.resources("monitoring-dev")["google_logging_metric"].items()
        if body["name"] == "dev/monitored"
    )
    assert conditions == {
        "dev: prediction errors": ("condition_threshold", "/online/error_count"),
        "dev: prediction latency": ("condition_threshold", "/online/prediction_latencies"),
        "dev: endpoint idle": ("condition_absent", "/online/prediction_count"),
        "dev: run failed": ("condition_matched_log", 'event="run_failed'),
        "dev: not blessed": ("condition_matched_log", 'event="not_blessed'),
        "dev: build failed": ("condition_matched_log", "logs/cloudbuild"),
        "dev: drift": ("condition_matched_log", 'event="drift'),
        "dev: no requests logged": ("condition_matched_log", 'event="no_requests'),
        "dev: monitor silent": (
            "condition_absent",
            f"user/${{google_logging_metric.{metric}.name}}",
        ),
    }


@pytest.mark.parametrize("stack", ["bootstrap", "foundation"])
def test_nothing_is_made_before_the_apis_are_on(synthesized, stack):
    resources = synthesized.resources(f"{stack}-dev")
    apis = {f"google_project_service.{id_}" for id_ in resources["google_project_service"]}
    waiting = [
        set(body.get("depends_on", []))
        for type_, bodies in resources.items()
        if type_ != "google_project_service"
        for body in bodies.values()
    ]

    assert waiting == [apis] * len(waiting)


@pytest.mark.parametrize("count", [1, 5])
def test_a_team_may_have_one_stage_or_five(tmp_path, count):
    chain = [DEV]
    for number in range(1, count):
        previous = chain[-1].stage
        chain.append(dataclasses.replace(DEV, stage=f"stage{number}", promotes_from=previous))

    synthesized = synthesize(tmp_path, by_stage(*chain))

    triggers = [body["name"] for _, body in synthesized.each("google_cloudbuild_trigger")]
    assert len(synthesized.stacks) == count * len(STACKS)
    assert len([name for name in triggers if name.endswith("-image")]) == 1
    assert len([name for name in triggers if name.endswith("-promote")]) == count - 1
