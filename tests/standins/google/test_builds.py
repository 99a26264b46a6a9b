"""Cloud Build in the stand-in: a trigger makes a build when it is run or hears a message.

The build stays queued until it is approved, or until a hook or a test moves it on.
"""

import queue
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACE = "projects/p/locations/europe-west1"
BUILD_V1 = "google.devtools.cloudbuild.v1"
BUILDS = f"cloud_build/v1/{PLACE}/builds"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis(project_numbers={"p": "42"}) as google:
        yield google


@pytest.fixture
def heard() -> queue.Queue[dict]:
    """The queue filled by a hook."""
    return queue.Queue()


def run(google: GoogleApis, trigger: str, **substitutions: str) -> tuple[int, dict]:
    source = {"commitSha": COMMIT, "substitutions": substitutions}
    body = {"projectId": "p", "triggerId": trigger, "source": source}
    return ask(google, "POST", f"cloud_build/v1/{PLACE}/triggers/{trigger}:run", body)


def new_build(google: GoogleApis, trigger: str) -> dict:
    _, operation = run(google, trigger)
    return operation["metadata"]["build"]


def test_a_trigger_that_is_run_makes_a_build_that_is_not_done(google):
    account = "projects/p/serviceAccounts/builder@p.iam.gserviceaccount.com"
    trigger = google.add_trigger(
        "p",
        "europe-west1",
        "train",
        serviceAccount=account,
        substitutions={"_MODEL": "", "_STAGE": "dev"},
    )

    status, operation = run(google, trigger, _MODEL="cab")

    build = operation["metadata"]["build"]
    assert status == 200
    assert "done" not in operation
    assert build["status"] == "QUEUED"
    assert build["buildTriggerId"] == trigger
    metadata_type = operation["metadata"]["@type"]
    assert metadata_type == f"type.googleapis.com/{BUILD_V1}.BuildOperationMetadata"
    assert build["name"] == f"{PLACE}/builds/{build['id']}"
    assert build["logUrl"] == (
        "https://console.cloud.google.com/cloud-build/builds;region=europe-west1/"
        f"{build['id']}?project=42"
    )
    assert build["serviceAccount"] == account
    assert build["substitutions"] == {
        "_MODEL": "cab",
        "_STAGE": "dev",
        "COMMIT_SHA": COMMIT,
        "REVISION_ID": COMMIT,
        "SHORT_SHA": COMMIT[:7],
        "TRIGGER_NAME": "train",
    }
    answer = ask(google, "GET", f"{BUILDS}/{build['id']}")
    assert answer == (200, build)


def test_only_a_trigger_that_is_there_can_be_run(google):
    status, _ = run(google, "9")

    assert status == 404


@pytest.mark.parametrize("name", ["COMMIT_SHA", "MODEL", "_model"])
def test_a_caller_may_give_its_own_substitutions_alone(google, name):
    trigger = google.add_trigger("p", "europe-west1", "train")

    status, _ = run(google, trigger, **{name: "x"})

    assert status == 400
    _, listing = ask(google, "GET", BUILDS)
    assert listing["builds"] == []


def test_a_hook_hears_of_a_build_and_may_move_it_on(google, heard):
    trigger = google.add_trigger("p", "europe-west1", "train")

    def work(build: dict) -> None:
        google.change("cloud_build", build["name"], status="SUCCESS")
        heard.put(build)

    google.on_build = work
    _, operation = run(google, trigger)

    build = heard.get(timeout=5)
    assert build["status"] == "QUEUED"
    _, ended_operation = ask(google, "GET", f"cloud_build/v1/{operation['name']}")
    assert ended_operation["done"] is True
    assert ended_operation["response"]["status"] == "SUCCESS"


def test_the_operation_of_a_build_that_failed_says_so(google):
    trigger = google.add_trigger("p", "europe-west1", "train")
    _, operation = run(google, trigger)
    build = operation["metadata"]["build"]

    google.change("cloud_build", build["name"], status="FAILURE")

    _, ended_operation = ask(google, "GET", f"cloud_build/v1/{operation['name']}")
    assert ended_operation["done"] is True
    assert "FAILURE" in ended_operation["error"]["message"]


def test_a_build_that_needs_approval_waits_for_it(google, heard):
    google.on_build = heard.put
    trigger = google.add_trigger(
        "p", "europe-west1", "deploy", approvalConfig={"approvalRequired": True}
    )

    build = new_build(google, trigger)

    assert build["status"] == "PENDING"
    with pytest.raises(queue.Empty):
        heard.get(timeout=0.1)
    google.approve(build["id"])
    approved_build = heard.get(timeout=5)
    assert approved_build["status"] == "QUEUED"
    assert approved_build["approval"]["state"] == "APPROVED"
    with pytest.raises(ValueError, match="must be PENDING"):
        google.approve(build["id"])


@pytest.fixture
def topic(google: GoogleApis) -> str:
    google.main = lambda: COMMIT
    return google.add_topic("p", "promote")


def publish(google: GoogleApis, topic: str, *messages: dict) -> tuple[int, dict]:
    return ask(google, "POST", f"pubsub/v1/{topic}:publish", {"messages": messages})


def builds(google: GoogleApis) -> list[dict]:
    """The builds of all projects."""
    return [body for (_, name), body in google.objects.items() if "/builds/" in name]


def test_a_message_starts_a_build_of_main_with_its_attributes(google, topic, heard):
    google.on_build = heard.put
    models = "$(body.message.attributes.models)"
    templates = {
        "_STAGE": "dev",
        "_MODELS": models,
        "_OF": f"m={models},$(body.message.attributes.of)",
    }
    promote = google.add_trigger(
        "p", "europe-west1", "promote", pubsubConfig={"topic": topic}, substitutions=templates
    )
    google.add_trigger("p", "europe-west1", "retrain", pubsubConfig={"topic": f"{topic}r"})
    google.add_trigger("q", "europe-west1", "promote", pubsubConfig={"topic": topic})
    google.add_trigger("p", "europe-west1", "image")

    status, answer = publish(google, topic, {"attributes": {"models": "cab"}})

    assert status == 200
    assert len(answer["messageIds"]) == 1
    build = heard.get(timeout=5)
    assert builds(google) == [build]
    assert build["buildTriggerId"] == promote
    assert build["status"] == "QUEUED"
    assert build["substitutions"] == {
        "_MODELS": "cab",
        "_OF": "m=cab,",
        "_STAGE": "dev",
        "COMMIT_SHA": COMMIT,
        "REVISION_ID": COMMIT,
        "SHORT_SHA": COMMIT[:7],
        "TRIGGER_NAME": "promote",
    }


@pytest.mark.parametrize(
    ("attributes", "count"),
    [({"models": "cab", "commit": "abc"}, 1), ({"models": "cab"}, 0), ({"commit": "abc"}, 0)],
)
def test_a_filter_lets_a_message_through_that_has_what_is_asked(google, topic, attributes, count):
    google.add_trigger(
        "p",
        "europe-west1",
        "promote",
        pubsubConfig={"topic": topic},
        filter='_MODELS != "" && _COMMIT != ""',
        substitutions={
            "_MODELS": "$(body.message.attributes.models)",
            "_COMMIT": "$(body.message.attributes.commit)",
        },
    )

    status, _ = publish(google, topic, {"data": "e30=", "attributes": attributes})

    assert status == 200
    assert len(builds(google)) == count


def test_a_trigger_whose_subscription_has_expired_hears_no_message_and_says_so(google, topic):
    """https://cloud.google.com/build/docs/api/reference/rest/v1/projects.triggers#PubsubConfig"""
    trigger = google.add_trigger("p", "europe-west1", "quiet", pubsubConfig={"topic": topic})
    ask(google, "DELETE", "pubsub/v1/projects/p/subscriptions/gcb-quiet")
    count = len(builds(google))

    publish(google, topic, {"data": "e30="})

    _, resource = ask(google, "GET", f"cloud_build/v1/{PLACE}/triggers/{trigger}")
    names = [build["substitutions"]["TRIGGER_NAME"] for build in builds(google)[count:]]
    assert resource["pubsubConfig"]["state"] == "SUBSCRIPTION_DELETED"
    assert "quiet" not in names


def test_a_filter_that_the_stand_in_does_not_know_is_refused(google, topic):
    google.add_trigger(
        "p", "europe-west1", "promote", pubsubConfig={"topic": topic}, filter="_A.matches('b')"
    )

    status, _ = publish(google, topic, {"data": "e30="})

    assert status == 501


@pytest.mark.parametrize(("revision", "expected"), [({}, 400), ({"revision": "refs/heads/b"}, 200)])
def test_a_trigger_on_messages_says_from_which_revision_its_recipe_is(
    google, topic, revision, expected
):
    trigger = {
        "name": "promote",
        "pubsubConfig": {"topic": topic},
        "gitFileSource": {"path": "build/promote.yaml", **revision},
    }

    status, _ = ask(google, "POST", f"cloud_build/v1/{PLACE}/triggers", trigger)

    assert status == expected


def test_each_message_starts_a_build_of_its_own_which_waits_for_an_approval_like_any(google, topic):
    google.add_trigger(
        "p",
        "europe-west1",
        "promote",
        pubsubConfig={"topic": topic},
        approvalConfig={"approvalRequired": True},
    )

    _, answer = publish(google, topic, {"data": "e30="}, {"attributes": {"a": "b"}})

    ids = set(answer["messageIds"])
    assert len(ids) == 2
    statuses = [build["status"] for build in builds(google)]
    assert statuses == ["PENDING", "PENDING"]


def test_a_message_that_nothing_rides_on_is_taken(google):
    topic = google.add_topic("p", "retrain")

    status, _ = publish(google, topic, {"data": "e30="})

    assert status == 200


@pytest.mark.parametrize("messages", [[], [{"data": "e30="}, {}]])
def test_an_empty_message_starts_nothing(google, topic, messages):
    google.add_trigger("p", "europe-west1", "promote", pubsubConfig={"topic": topic})

    status, _ = publish(google, topic, *messages)

    assert status == 400
    assert builds(google) == []


def test_only_a_topic_that_is_there_takes_messages(google):
    status, _ = publish(google, "projects/p/topics/promote", {"data": "e30="})

    assert status == 404


def test_a_binding_that_the_stand_in_does_not_know_is_refused(google, topic):
    google.add_trigger(
        "p",
        "europe-west1",
        "promote",
        pubsubConfig={"topic": topic},
        substitutions={"_A": "$(body.message.data.a)"},
    )

    status, _ = publish(google, topic, {"data": "e30="})

    assert status == 501


def test_a_build_of_main_needs_somebody_who_says_what_main_is(google):
    topic = google.add_topic("p", "promote")
    google.add_trigger("p", "europe-west1", "promote", pubsubConfig={"topic": topic})

    status, answer = publish(google, topic, {"data": "e30="})

    assert status == 501
    assert "set GoogleApis.main" in answer["error"]["message"]


def test_what_the_stand_in_cannot_cancel_it_refuses(google):
    status, _ = ask(google, "POST", "vertex_ai/v1/projects/p/locations/r/customJobs/1:cancel")

    assert status == 501


def test_a_build_is_cancelled_once(google):
    trigger = google.add_trigger("p", "europe-west1", "train")
    build = new_build(google, trigger)
    place = f"{BUILDS}/{build['id']}:cancel"
    body = {"projectId": "p", "id": build["id"]}

    _, cancelled_build = ask(google, "POST", place, body)
    status, _ = ask(google, "POST", place, body)

    assert cancelled_build["status"] == "CANCELLED"
    assert status == 400


def test_a_build_is_cancelled_by_both_of_its_ids(google):
    trigger = google.add_trigger("p", "europe-west1", "train")
    build = new_build(google, trigger)

    status, answer = ask(google, "POST", f"{BUILDS}/{build['id']}:cancel", {"id": build["id"]})

    assert status == 400
    assert "projectId is required" in answer["error"]["message"]


def test_builds_are_listed_newest_first_by_their_trigger_and_in_pages(google):
    train = google.add_trigger("p", "europe-west1", "train")
    image = google.add_trigger("p", "europe-west1", "image")
    first_build = new_build(google, train)
    new_build(google, image)
    third_build = new_build(google, train)
    train_filter = quote(f'trigger_id="{train}"')
    request = f"{BUILDS}?pageSize=1&filter={train_filter}"

    _, first_page = ask(google, "GET", request)
    _, last_page = ask(google, "GET", f"{request}&pageToken={first_page['nextPageToken']}")

    assert first_page["builds"] == [third_build]
    assert last_page == {"builds": [first_build]}


@pytest.mark.parametrize(
    "asked", ['status="SUCCESS"', "trigger_id=1", 'trigger_id="1" OR trigger_id="2"']
)
def test_another_filter_of_builds_is_refused(google, asked):
    status, _ = ask(google, "GET", f"{BUILDS}?filter={quote(asked)}")

    assert status == 400
