"""A new version takes the traffic in steps.

It is asked first and watched at each step; at the first sign of trouble the version before has all
of the traffic again.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.components.vertex_pusher import push
from pipeline.delivery import deployment, traffic
from pipeline.delivery.record import Model, SupersededError
from pipeline.delivery.traffic import Question
from pipeline.errors import RunError
from pipeline.gcp.endpoints import METRICS, endpoint_of
from pipeline.gcp.stage import Stage
from tests.pipeline.delivery.conftest import DEV, FIRST, WARM
from tests.standins.google.faults import Fault

# at 1 % a smoke test takes 200 requests
SERVING = replace(WARM.serving, traffic_steps=(10, 50, 100))
QUESTION = Question({"fare": 1.0}, ("serving_default", "transform_features"))
CODES = {"answered": "2xx", "refused": "4xx", "failed": "5xx"}
WANTED = lambda: None  # noqa: E731  nothing newer takes its place


@pytest.fixture
def warm():
    """Dev with three steps; the endpoint belongs to it."""
    settings = replace(DEV, serving=SERVING)
    return Stage(settings)


@pytest.fixture
def told():
    return []


@pytest.fixture
def observer(told):
    def observe(node, state):
        told.append((node, state))

    return observe


@pytest.fixture
def old(endpoint):
    """A version with all the traffic."""
    return deployed(endpoint, "1")


@pytest.fixture
def new(endpoint, old):
    return deployed(endpoint, "2")


def deployed(endpoint, version: str) -> str:
    """Push the version, and return its deployed model's id."""
    destination = deployment.destination(endpoint.stage, "cab", FIRST.images)
    push(f"gs://b/model/{version}", destination)
    ids = endpoint.deployed()
    return ids[version]


def measure_answers(google, id_: str, at: datetime | None = None, **counts: int) -> None:
    """Let a deployed model have had so many requests, by what became of them."""
    for outcome, count in counts.items():
        labels = {"deployed_model_id": id_, "response_code": CODES[outcome]}
        google.measure(f"{METRICS}/response_count", count, at=at, **labels)


def questions(google) -> list[str]:
    """The paths of the predictions, in order."""
    paths = [request.path for request in google.requests]
    return [path for path in paths if ":predict" in path]


def test_a_version_takes_the_traffic_step_by_step_and_is_asked_by_each_signature_first(
    google, old, new, told, observer
):
    serving = replace(SERVING, traffic_steps=(1, 10, 50, 100))
    settings = replace(DEV, serving=serving)
    stage = Stage(settings)
    endpoint = endpoint_of(stage, "cab")

    steps = traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert steps == (1, 10, 50, 100)
    assert endpoint.shares() == {new: 100}
    nodes = [node.removeprefix("dev-cab ") for node, state in told if state == "running"]
    assert nodes == [
        "smoke test at 1 % of the traffic",
        *(f"{step} % of the traffic, watched for 0 min" for step in steps),
    ]
    # one in a hundred is the new version's, and both signatures have waited for it
    assert len(questions(google)) > 100


def test_the_first_version_has_all_the_traffic_and_is_asked_all_the_same(
    google, endpoint, old, told, observer
):
    steps = traffic.introduce(endpoint, old, None, QUESTION, observer, WANTED)

    assert steps == (10, 50, 100)
    nodes = [node for node, _ in told]
    assert nodes == ["dev-cab smoke test at 100 % of the traffic"] * 2
    assert len(questions(google)) == 2


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((500, {}), "Google answered 500"),
        ((200, {"predictions": [None]}), r"answers the sample by serving_default with \[None\]"),
        ((200, {"predictions": []}), r"answers the sample by serving_default with \[\]"),
    ],
)
def test_a_version_that_fails_its_smoke_test_leaves_the_traffic_where_it_was(
    google, endpoint, old, new, observer, answer, says
):
    google.answers["2"] = lambda _: answer

    with pytest.raises(RunError, match=says):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}
    assert endpoint.deployed() == {"1": old}


def test_a_first_version_that_fails_its_smoke_test_is_undeployed(google, endpoint, old, observer):
    google.answers["1"] = lambda _: (200, {"predictions": [None]})

    with pytest.raises(RunError, match=r"answers the sample by serving_default with \[None\]"):
        traffic.introduce(endpoint, old, None, QUESTION, observer, WANTED)

    assert endpoint.deployed() == {}


def test_what_the_old_version_answers_is_not_held_against_the_new_one(
    google, endpoint, old, new, observer
):
    google.answers["1"] = lambda _: (500, {})

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {new: 100}


def test_a_version_that_only_errs_does_not_pass(google, endpoint, old, new, observer):
    measure_answers(google, new, failed=3)

    with pytest.raises(RunError, match=r"100\.0% of the new version's answers are errors"):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)


def test_a_release_that_was_interrupted_at_its_last_step_can_still_go_back(
    google, endpoint, old, new, observer
):
    endpoint.split({new: 100})
    google.answers["2"] = lambda _: (500, {})

    with pytest.raises(RunError):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}


def test_the_recorded_version_is_what_a_release_goes_back_to(google, endpoint, old, new):
    third = deployed(endpoint, "3")
    endpoint.split({third: 90, old: 10})
    recorded = Model(current=FIRST, before=None, change=None)

    before_new = traffic.before(endpoint, new, recorded)
    before_new_without_record = traffic.before(endpoint, new, None)
    before_recorded = traffic.before(endpoint, old, recorded)

    assert before_new == old
    assert before_new_without_record == third
    assert before_recorded == third


def test_a_release_whose_place_was_taken_leaves_the_traffic_alone(
    google, endpoint, old, new, observer
):
    def taken():
        if endpoint.shares() == {new: 10, old: 90}:
            raise SupersededError("something newer")

    with pytest.raises(SupersededError):
        traffic.introduce(endpoint, new, old, QUESTION, observer, taken)

    assert endpoint.shares() == {new: 10, old: 90}


def test_a_version_that_is_never_asked_fails_its_smoke_test(google, endpoint, old, new):
    answers = "answered none of 20 requests by serving_default"

    with pytest.raises(RunError, match=rf"{new} has 50 % of the traffic and {answers}"):
        traffic.smoke(endpoint, new, QUESTION, 50)  # the split still says all for the old one


def test_too_many_errors_take_the_traffic_back(google, endpoint, old, new, observer):
    measure_answers(google, new, answered=94, failed=6)
    message = r"6\.0% of the new version's answers are errors, allowed are 5\.0%"

    with pytest.raises(RunError, match=message):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}


def test_slow_answers_take_the_traffic_back(google, endpoint, old, new, observer):
    google.measure(f"{METRICS}/prediction_latencies", 1500.0, deployed_model_id=new)

    with pytest.raises(RunError, match="p99 is 1500 ms, allowed are 1000 ms"):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}


def test_the_old_version_s_errors_are_not_counted_as_the_new_one_s(
    google, endpoint, old, new, observer
):
    measure_answers(google, old, failed=100)
    measure_answers(google, new, answered=100)

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {new: 100}


def test_few_errors_among_many_answers_are_allowed(google, endpoint, old, new, observer):
    measure_answers(google, new, answered=95, failed=5)

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {new: 100}


def test_a_failed_request_of_a_thousand_instances_weighs_as_much_as_any(
    google, endpoint, old, new, observer
):
    measure_answers(google, new, answered=900, failed=100)
    google.measure(f"{METRICS}/prediction_count", 900_000, deployed_model_id=new)
    google.measure(f"{METRICS}/error_count", 100, deployed_model_id=new)

    with pytest.raises(RunError, match=r"10\.0% of the new version's answers are errors"):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}


def test_a_caller_s_own_400_takes_no_traffic_back(google, endpoint, old, new, observer):
    """Of ten refusals in a hundred, eight are what the version before refuses as well."""
    measure_answers(google, old, answered=920, refused=80)
    measure_answers(google, new, answered=90, refused=10)

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {new: 100}


def test_requests_that_the_new_version_alone_refuses_take_the_traffic_back(
    google, endpoint, old, new, observer
):
    measure_answers(google, old, answered=1000)
    measure_answers(google, new, answered=90, refused=10)

    with pytest.raises(RunError, match=r"10\.0% of the new version's answers are errors"):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}


def test_fewer_refusals_than_before_excuse_no_failures(google, endpoint, old, new, observer):
    measure_answers(google, old, answered=50, refused=50)
    measure_answers(google, new, answered=89, refused=5, failed=6)

    with pytest.raises(RunError, match=r"6\.0% of the new version's answers are errors"):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}


def test_what_callers_sent_before_the_last_step_is_known_in_it(
    google, endpoint, old, new, observer
):
    half_an_hour_ago = datetime.now(UTC) - timedelta(minutes=30)
    measure_answers(google, old, at=half_an_hour_ago, answered=90, refused=10)
    measure_answers(google, new, answered=90, refused=10)
    endpoint.split({new: 100})

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {new: 100}


def test_an_interrupted_release_goes_on_from_the_step_it_had_reached(
    google, endpoint, old, new, told, observer
):
    def interrupting(node, state):
        if node.startswith("dev-cab 50 %") and state == "running":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        traffic.introduce(endpoint, new, old, QUESTION, interrupting, WANTED)
    assert endpoint.shares() == {new: 50, old: 50}

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    nodes = [node for node, _ in told]
    nodes_at_10 = [node for node in nodes if "10 % of" in node]
    assert nodes[0] == "dev-cab smoke test at 50 % of the traffic"
    assert nodes_at_10 == []
    assert endpoint.shares() == {new: 100}


def test_a_cloud_that_is_overloaded_is_asked_again(google, endpoint, old, new, observer):
    google.faults += [
        Fault("POST", ":predict", 503),
        Fault("PATCH", "endpoints/", 429),
        Fault("GET", "timeSeries", 503),
    ]

    traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {new: 100}
    assert google.faults == []


def test_what_google_refuses_takes_the_traffic_back_and_names_the_doctor(
    google, endpoint, old, new, observer
):
    fault = Fault("GET", "timeSeries", 403)
    google.faults.append(fault)
    message = r"Cloud Monitoring: Google refuses it .* `make doctor env=dev`"

    with pytest.raises(RunError, match=message):
        traffic.introduce(endpoint, new, old, QUESTION, observer, WANTED)

    assert endpoint.shares() == {old: 100}
