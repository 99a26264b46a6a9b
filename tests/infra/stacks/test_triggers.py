"""The rules for the triggers of every stage."""

import re
from dataclasses import replace

import pytest

from environments import DEV, ENVIRONMENTS
from settings import REPOSITORY
from tests.infra.conftest import every_stage, stage_of, synthesize

STAGE_COUNT = len(ENVIRONMENTS)
TRIGGER = "google_cloudbuild_trigger"
PROMOTING = [
    "build/modules.yaml",
    "build/monitor.yaml",
    "build/promote.yaml",
    "build/retrain.yaml",
]
ASKED = {
    "_MODELS": "$(body.message.attributes.models)",
    "_COMMIT": "$(body.message.attributes.commit)",
}
REQUEST = "$(body.message.attributes.request)"
OWN = {
    "modules": {"_REQUEST"},
    "promote": {"_COMMIT"},
    "retrain": {"_REQUEST"},
    "monitor": {"_RETRAIN"},
}


def test_every_trigger_acts_as_an_account_of_its_stage(synthesized):
    triggers = list(synthesized.each(TRIGGER))

    assert len(triggers) == 4 * STAGE_COUNT
    for stack, trigger in triggers:
        names = ENVIRONMENTS[stage_of(stack)].names
        accounts = [names.service_account_resource(role) for role in ("builder", "monitor")]
        assert trigger.service_account in accounts, stack


def test_every_trigger_supplies_what_its_recipe_takes(synthesized):
    for stack, trigger in synthesized.each(TRIGGER):
        recipe = REPOSITORY / trigger.git_file_source["path"]
        text = recipe.read_text()
        placeholders = re.findall(r"\$\{?(_[A-Z]+)", text)

        expected = {"_STAGE", "_MODELS"}
        expected |= OWN.get(recipe.stem, set())
        substitutions = trigger.substitutions
        assert substitutions["_STAGE"] == stage_of(stack)
        assert set(substitutions) == expected
        assert set(placeholders) == expected, recipe


@every_stage
def test_whatever_acts_as_the_builder_waits_for_an_approval_where_the_stage_asks_for_one(
    synthesized, settings
):
    """A topic's trigger runs the branch's code, and no person has called it."""
    builder = settings.names.service_account_resource("builder")

    approvals = {}
    for trigger in synthesized.of(f"delivery-{settings.stage}", TRIGGER):
        if trigger.service_account == builder:
            approvals[trigger.name] = trigger.approval_config["approval_required"]

    asking = {settings.names.trigger("modules"), settings.names.trigger("retrain")}
    assert asking <= set(approvals)
    assert set(approvals.values()) == {settings.approval_required}


def test_a_stage_with_approvals_asks_before_its_promotions_and_retrainings(synthesized):
    approvals = {}
    for trigger in synthesized.of("delivery-prod", TRIGGER):
        approvals[trigger.name] = trigger.approval_config["approval_required"]

    assert approvals == {
        "prod-modules": True,
        "prod-promote": True,
        "prod-retrain": True,
        "prod-monitor": False,
    }


def test_the_first_stage_builds_and_the_others_promote(synthesized):
    recipes = {}
    for stage in ENVIRONMENTS:
        triggers = synthesized.of(f"delivery-{stage}", TRIGGER)
        recipes[stage] = sorted(trigger.git_file_source["path"] for trigger in triggers)

    assert recipes == {
        "dev": [
            "build/image.yaml",
            "build/modules.yaml",
            "build/monitor.yaml",
            "build/retrain.yaml",
        ],
        "staging": PROMOTING,
        "prod": PROMOTING,
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
    delivery, names = f"delivery-{stage}", ENVIRONMENTS[stage].names
    topics = topic_names(synthesized, delivery)
    recipes = {
        "modules": (None, {"_MODELS": "all", "_REQUEST": "none"}),
        "retrain": ("retrain", {"_MODELS": ASKED["_MODELS"], "_REQUEST": REQUEST}),
        "monitor": ("monitor", {"_MODELS": "all", "_RETRAIN": "no"}),
        **own,
    }
    expected = {}
    for recipe, (topic, substitutions) in recipes.items():
        topic_name = names.topic(topic) if topic else None
        expected[names.trigger(recipe)] = (topic_name, {"_STAGE": stage, **substitutions})

    triggers = {}
    for trigger in synthesized.of(delivery, TRIGGER):
        subscription = getattr(trigger, "pubsub_config", {})
        topic_name = topics.get(subscription.get("topic"))
        triggers[trigger.name] = (topic_name, trigger.substitutions)

    assert triggers == expected


@every_stage
def test_what_rides_on_messages_builds_the_branch_and_wants_every_attribute(synthesized, settings):
    branch = f"refs/heads/{settings.github.branch}"
    filters = {}
    for trigger in synthesized.of(f"delivery-{settings.stage}", TRIGGER):
        revision = trigger.git_file_source.get("revision")
        assert revision == (branch if hasattr(trigger, "pubsub_config") else None)
        filters[trigger.git_file_source["path"]] = getattr(trigger, "filter", None)

    assert filters["build/modules.yaml"] is None
    assert filters["build/retrain.yaml"] == '_MODELS != ""'
    if settings.promotes_from:
        assert filters["build/promote.yaml"] == '_MODELS != "" && _COMMIT != ""'


def test_the_monitor_is_asked_for_each_morning(synthesized):
    for stage, settings in ENVIRONMENTS.items():
        delivery, names = f"delivery-{stage}", settings.names
        topics = topic_names(synthesized, delivery)
        triggers = {trigger.name: trigger for trigger in synthesized.of(delivery, TRIGGER)}
        trigger = triggers[names.trigger("monitor")]
        [job] = synthesized.of(delivery, "google_cloud_scheduler_job")

        account = names.service_account_resource("monitor")
        assert trigger.service_account == account
        assert trigger.approval_config["approval_required"] is False
        assert topics[trigger.pubsub_config["topic"]] == names.topic("monitor")
        assert topics[job.pubsub_target["topic_name"]] == names.topic("monitor")


def test_the_monitor_asks_for_retrainings_where_its_stage_says_so(tmp_path):
    asking = replace(DEV, request_retraining=True)

    stacks = synthesize(tmp_path, {"dev": asking})

    triggers = {trigger.name: trigger for trigger in stacks.of("delivery-dev", TRIGGER)}
    monitor = triggers[asking.names.trigger("monitor")]
    assert monitor.substitutions["_RETRAIN"] == "yes"


def test_the_morning_is_utc_s_wherever_the_stage_lies(synthesized):
    """The log's days are UTC's; the last one has ended hours before, and its late rows are in."""
    for _, job in synthesized.each("google_cloud_scheduler_job"):
        _, hour, *_ = job.schedule.split()

        assert job.time_zone == "Etc/UTC"
        assert 3 <= int(hour) <= 12


def topic_names(synthesized, stack):
    """The names of a stack's topics, by the references to them."""
    topics = synthesized.by_id(stack, "google_pubsub_topic")
    return {f"${{google_pubsub_topic.{id_}.id}}": topic.name for id_, topic in topics.items()}
