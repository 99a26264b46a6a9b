"""The rules for the grants of every stage."""

import re
from collections import defaultdict

from environments import ENVIRONMENTS
from infra import roles
from infra.deploy.operations import ORDER
from tests.infra.conftest import every_stage, stage_of

EVERYONE = ("allUsers", "allAuthenticatedUsers")
BASIC_ROLES = ("roles/owner", "roles/editor", "roles/viewer")


def test_nothing_is_granted_to_everyone(synthesized):
    grants = list(synthesized.grants())

    assert len(grants) > 100
    for grant in grants:
        assert grant.member not in EVERYONE, grant


def test_no_basic_role_is_granted(synthesized):
    for grant in synthesized.grants():
        assert grant.role not in BASIC_ROLES, grant


def test_grants_are_additive(synthesized):
    exclusive = re.compile(r"google_\w+_iam_(binding|policy)")

    for stack in synthesized.stacks:
        for type_ in synthesized.types(stack):
            assert not exclusive.fullmatch(type_), stack


def test_no_account_has_a_key(synthesized):
    keys = list(synthesized.each("google_service_account_key", "google_storage_hmac_key"))

    assert keys == []


@every_stage
def test_triggers_are_run_by_the_stage_s_own_builder_and_by_no_account_else(synthesized, settings):
    role = settings.names.custom_role("caller")
    builder = settings.names.member("builder")

    callers = [(grant.stack, grant.member) for grant in synthesized.grants() if grant.role == role]

    assert callers == [(f"delivery-{settings.stage}", builder)]


@every_stage
def test_tags_of_images_are_taken_away_by_the_stage_s_own_builder_and_by_no_account_else(
    synthesized, settings
):
    role = settings.names.custom_role("untagger")
    builder = settings.names.member("builder")

    untaggers = [
        (grant.stack, grant.member) for grant in synthesized.grants() if grant.role == role
    ]

    assert untaggers == [(f"foundation-{settings.stage}", builder)]
    assert roles.UNTAGGER == ("artifactregistry.tags.delete",)


@every_stage
def test_an_account_is_handed_over_by_who_starts_what_runs_as_it_and_by_no_one_else(
    synthesized, settings
):
    bootstrap = f"bootstrap-{settings.stage}"
    names = {}
    for id_, account in synthesized.by_id(bootstrap, "google_service_account").items():
        names[id_] = account.account_id.removeprefix(f"{settings.stage}-")

    actors = defaultdict(set)
    for grant in synthesized.of(bootstrap, "google_service_account_iam_member"):
        if grant.role == "roles/iam.serviceAccountUser":
            account = names[referred_id(grant.service_account_id)]
            actor = names[referred_id(grant.member)]
            actors[account].add(actor)

    assert actors == {
        "builder": {"deployer", "builder"},
        "monitor": {"deployer"},
        "pipeline": {"builder", "pipeline"},
        "server": {"builder", "pipeline"},
    }


def referred_id(reference):
    """`Builder` of `${google_service_account.Builder.name}`."""
    return reference.split(".")[1]


def test_a_stage_reads_what_passed_before_it_and_asks_the_next_and_may_do_nothing_else_in_another(
    synthesized,
):
    """Above all, neither run a trigger there nor act as an account."""
    across = []
    for grant in synthesized.grants():
        own = ENVIRONMENTS[stage_of(grant.stack)]
        assert grant.project in ("", own.project_id), grant
        if belongs_to_another(grant.member, own):
            across.append((grant.stack, grant.role, grant.member))

    expected = []
    for settings in ENVIRONMENTS.values():
        if settings.promotes_from:
            previous = ENVIRONMENTS[settings.promotes_from]
            expected += grants_between(previous, settings)
    assert sorted(across) == sorted(expected)


def belongs_to_another(member, own):
    """Whether a member is an account of another stage's project than `own`."""
    neighbours = [settings for settings in ENVIRONMENTS.values() if settings is not own]
    for neighbour in neighbours:
        domain, number = f"@{neighbour.project_id}.", str(neighbour.project_number)
        if domain in member or number in member:
            return True
    return False


def grants_between(previous, settings):
    """(stack, role, member) of each grant between two neighbours."""
    foundation, delivery = f"foundation-{previous.stage}", f"delivery-{settings.stage}"
    builder = settings.names.member("builder")
    previous_builder = previous.names.member("builder")
    return [
        (foundation, "roles/storage.legacyBucketReader", builder),
        (foundation, "roles/storage.objectViewer", builder),
        (foundation, "roles/artifactregistry.reader", builder),
        (delivery, "roles/pubsub.publisher", previous_builder),
    ]


@every_stage
def test_the_builder_of_the_stage_before_asks_for_a_promotion_and_the_monitor_for_a_retraining(
    synthesized, settings
):
    delivery = f"delivery-{settings.stage}"
    topics = {}
    for id_, topic in synthesized.by_id(delivery, "google_pubsub_topic").items():
        topics[f"${{google_pubsub_topic.{id_}.name}}"] = topic.name

    grants = synthesized.of(delivery, "google_pubsub_topic_iam_member")

    publishers = {(topics[grant.topic], grant.member) for grant in grants}
    retrain, promote = settings.names.topic("retrain"), settings.names.topic("promote")
    expected = {(retrain, settings.names.member("monitor"))}
    if settings.promotes_from:
        previous = ENVIRONMENTS[settings.promotes_from]
        expected.add((promote, previous.names.member("builder")))
    assert publishers == expected
    assert {grant.role for grant in grants} == {"roles/pubsub.publisher"}


@every_stage
def test_the_deployer_may_grant_what_its_stacks_grant_and_no_role_of_its_own(synthesized, settings):
    grantable = set(roles.grantable(settings))
    own = {*roles.of_deployer(settings), "roles/resourcemanager.projectIamAdmin"}

    assert len(grantable) <= 10
    assert grantable.isdisjoint(own)
    for name in ORDER:
        stack = f"{name}-{settings.stage}"
        for grant in synthesized.of(stack, "google_project_iam_member"):
            assert grant.role in grantable, grant


def test_the_planner_can_only_read():
    """It may also use the project's quota: the Budget API needs one."""
    reading = re.compile(r".*([vV]iewer|[rR]eader|securityReviewer|browser)")

    roles_beyond_reading = [role for role in roles.PLANNER if not reading.fullmatch(role)]

    assert roles_beyond_reading == ["roles/serviceusage.serviceUsageConsumer"]
