"""Cloud Build in the stand-in: a trigger makes a build when it is run or hears a message.

The build waits for approval, or for who moves it on.
"""

import queue
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.standins.google.apis import GoogleApis
from tests.standins.google.question import ask

COMMIT = "0123456789abcdef0123456789abcdef01234567"
PLACE = "projects/p/locations/europe-west1"
BUILDS = f"cloud_build/v1/{PLACE}/builds"


@pytest.fixture
def google() -> Iterator[GoogleApis]:
    with GoogleApis(project_numbers={"p": "42"}) as google:
        yield google


def run(google: GoogleApis, trigger: str, **substitutions: str) -> tuple[int, dict]:
    source = {"commitSha": COMMIT, "substitutions": substitutions}
    return ask(
        google,
        "POST",
        f"cloud_build/v1/{PLACE}/triggers/{trigger}:run",
        {"projectId": "p", "triggerId": trigger, "source": source},
    )


def built(google: GoogleApis, trigger: str) -> dict:
    return run(google, trigger)[1]["metadata"]["build"]


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
    assert (
        operation["metadata"]["@type"]
        == "type.googleapis.com/google.devtools.cloudbuild.v1.BuildOperationMetadata"
    )
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
    assert ask(google, "GET", f"{BUILDS}/{build['id']}") == (200, build)


def test_only_a_trigger_that_is_there_can_be_run(google):
    assert run(google, "9")[0] == 404


@pytest.mark.parametrize("name", ["COMMIT_SHA", "MODEL", "_model"])
def test_a_caller_may_give_its_own_substitutions_alone(google, name):
    trigger = google.add_trigger("p", "europe-west1", "train")

    assert run(google, trigger, **{name: "x"})[0] == 400
    assert ask(google, "GET", BUILDS)[1]["builds"] == []


def test_a_hook_hears_of_a_build_and_may_move_it_on(google):
    trigger, heard = google.add_trigger("p", "europe-west1", "train"), queue.Queue()

    def work(build: dict) -> None:
        google.change("cloud_build", build["name"], status="SUCCESS")
        heard.put(build)

    google.on_build = work
    operation = run(google, trigger)[1]

    assert heard.get(timeout=5)["status"] == "QUEUED"
    ended = ask(google, "GET", f"cloud_build/v1/{operation['name']}")[1]
    assert ended["done"] is True
    assert ended["response"]["status"] == "SUCCESS"


def test_the_operation_of_a_build_that_failed_says_so(google):
    operation = run(google, google.add_trigger("p", "europe-west1", "train"))[1]

    google.change("cloud_build", operation["metadata"]["build"]["name"], status="FAILURE")

    ended = ask(google, "GET", f"cloud_build/v1/{operation['name']}")[1]
    assert ended["done"] is True
    assert "FAILURE" in ended["error"]["message"]


def test_a_build_that_needs_approval_waits_for_it(google):
    heard: queue.Queue[dict] = queue.Queue()
    google.on_build = heard.put
    build = built(
        google,
        google.add_trigger(
            "p", "europe-west1", "deploy", approvalConfig={"approvalRequired": True}
        ),
    )

    assert build["status"] == "PENDING"
    with pytest.raises(queue.Empty):
        heard.get(timeout=0.1)
    google.approve(build["id"])
    approved = heard.get(timeout=5)
    assert approved["status"] == "QUEUED"
    assert approved["approval"]["state"] == "APPROVED"
    with pytest.raises(ValueError, match="must be PENDING"):
        google.approve(build["id"])


@pytest.fixture
def topic(google: GoogleApis) -> str:
    google.main = lambda: COMMIT
    return google.add_topic("p", "promote")


def publish(google: GoogleApis, topic: str, *messages: dict) -> tuple[int, dict]:
    return ask(google, "POST", f"pubsub/v1/{topic}:publish", {"messages": messages})


def builds(google: GoogleApis) -> list[dict]:
    """Of all projects."""
    return [body for (_, name), body in google.objects.items() if "/builds/" in name]


def test_a_message_starts_a_build_of_main_with_its_attributes(google, topic):
    heard: queue.Queue[dict] = queue.Queue()
    google.on_build = heard.put
    models = "$(body.message.attributes.models)"
    bound = {"_STAGE": "dev", "_MODELS": models, "_OF": f"m={models},$(body.message.attributes.of)"}
    promote = google.add_trigger(
        "p", "europe-west1", "promote", pubsubConfig={"topic": topic}, substitutions=bound
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


def test_each_message_starts_a_build_of_its_own_which_waits_for_an_approval_like_any(google, topic):
    google.add_trigger(
        "p",
        "europe-west1",
        "promote",
        pubsubConfig={"topic": topic},
        approvalConfig={"approvalRequired": True},
    )

    ids = publish(google, topic, {"data": "e30="}, {"attributes": {"a": "b"}})[1]["messageIds"]

    assert len(set(ids)) == 2
    assert [build["status"] for build in builds(google)] == ["PENDING", "PENDING"]


def test_a_message_that_nothing_rides_on_is_taken(google):
    assert publish(google, google.add_topic("p", "retrain"), {"data": "e30="})[0] == 200


@pytest.mark.parametrize("messages", [[], [{"data": "e30="}, {}]])
def test_an_empty_message_starts_nothing(google, topic, messages):
    google.add_trigger("p", "europe-west1", "promote", pubsubConfig={"topic": topic})

    assert publish(google, topic, *messages)[0] == 400
    assert builds(google) == []


def test_only_a_topic_that_is_there_takes_messages(google):
    assert publish(google, "projects/p/topics/promote", {"data": "e30="})[0] == 404


def test_a_binding_that_the_stand_in_does_not_know_is_refused(google, topic):
    google.add_trigger(
        "p",
        "europe-west1",
        "promote",
        pubsubConfig={"topic": topic},
        substitutions={"_A": "$(body.message.data.a)"},
    )

    assert publish(google, topic, {"data": "e30="})[0] == 501


def test_a_build_of_main_needs_somebody_who_says_what_main_is(google):
    topic = google.add_topic("p", "promote")
    google.add_trigger("p", "europe-west1", "promote", pubsubConfig={"topic": topic})

    status, answer = publish(google, topic, {"data": "e30="})

    assert status == 501
    assert "set GoogleApis.main" in answer["error"]["message"]


def test_what_the_stand_in_cannot_cancel_it_refuses(google):
    build = built(google, google.add_trigger("p", "europe-west1", "train"))

    assert ask(google, "POST", f"{BUILDS}/{build['id']}:cancel")[0] == 501


def test_builds_are_listed_newest_first_by_their_trigger_and_in_pages(google):
    train, image = (google.add_trigger("p", "europe-west1", name) for name in ("train", "image"))
    first, _, third = built(google, train), built(google, image), built(google, train)
    of_train = quote(f'trigger_id="{train}"')
    request = f"{BUILDS}?pageSize=1&filter={of_train}"

    newest = ask(google, "GET", request)[1]
    oldest = ask(google, "GET", f"{request}&pageToken={newest['nextPageToken']}")[1]

    assert newest["builds"] == [third]
    assert oldest == {"builds": [first]}


@pytest.mark.parametrize(
    "asked", ['status="SUCCESS"', "trigger_id=1", 'trigger_id="1" OR trigger_id="2"']
)
def test_another_filter_of_builds_is_refused(google, asked):
    assert ask(google, "GET", f"{BUILDS}?filter={quote(asked)}")[0] == 400
