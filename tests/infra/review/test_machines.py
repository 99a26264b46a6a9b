"""What runs all the time, by stage, and its price by the team's own file."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from environments import DEV, PROD
from infra.review import machines
from infra.review.machines import Machines

MODELS = ["cab", "ferry"]
COLD = "nothing: models are undeployed after their smoke test"
TWO = [Machines("e2-small", 2, "two"), Machines("e2-medium", 1, "one")]
PRICES = {"e2-small": Decimal("0.10"), "e2-medium": Decimal("1.5")}


def stack(folder, name, resources):
    place = folder / name
    place.mkdir(parents=True)
    text = json.dumps({"resource": resources})
    (place / "cdk.tf.json").write_text(text)


def test_a_stage_that_keeps_models_warm_pays_for_two_versions_of_each():
    [behind_endpoints] = machines.of_stage(PROD, MODELS, None)

    assert behind_endpoints.machine_type == "n1-standard-4"
    assert behind_endpoints.count == 8
    assert behind_endpoints.purpose == (
        "2 replicas each of cab, ferry, and as many of the version before, which stays deployed; "
        "4 until there is one"
    )


def test_a_stage_that_keeps_none_warm_or_has_none_pays_for_nothing():
    assert machines.of_stage(DEV, MODELS, None) == []
    assert machines.of_stage(PROD, [], None) == []


def test_machines_of_the_stage_s_own_stacks_are_told_with_their_address(tmp_path):
    notebook = {"gce_setup": {"machine_type": "e2-medium"}}
    stack(tmp_path, "foundation-dev", {"google_workbench_instance": {"N": notebook}})
    stack(tmp_path, "serving-dev", {"google_compute_instance": {"I": {"machine_type": "e2-small"}}})
    stack(tmp_path, "foundation-prod", {"google_compute_instance": {"J": {"machine_type": "c3"}}})

    standing = machines.of_stage(DEV, MODELS, tmp_path)

    assert [str(entry) for entry in standing] == [
        "1 × e2-medium: google_workbench_instance.N",
        "1 × e2-small: google_compute_instance.I",
    ]


def test_a_machine_without_a_type_is_told_and_not_guessed(tmp_path):
    stack(tmp_path, "foundation-dev", {"google_workbench_instance": {"N": {"name": "n"}}})

    [standing] = machines.of_stage(DEV, MODELS, tmp_path)

    assert standing.machine_type == "a machine of an unknown type"


def deployed_model(machine_type, replicas):
    """As the provider's schema has it: infra's plans hold it in `deployed_models`."""
    spec = {"accelerator_count": 0, "accelerator_type": "", "machine_type": machine_type}
    resources = {"machine_spec": [spec], "max_replica_count": 6, "min_replica_count": replicas}
    return {"id": "1", "dedicated_resources": [resources], "automatic_resources": []}


def resource(kind, before):
    change = {"actions": ["no-op"], "before": before}
    return {"address": f"{kind}.X", "type": kind, "name": "X", "change": change}


def test_what_runs_now_is_read_from_the_plan():
    deployed_models = [deployed_model("n1-standard-4", 2), deployed_model("e2-small", 1)]
    plan = {
        "resource_changes": [
            resource("google_vertex_ai_endpoint", {"deployed_models": deployed_models}),
            resource("google_vertex_ai_endpoint", {"deployed_models": None}),
            resource("google_vertex_ai_endpoint", None),
            resource("google_compute_instance", {"machine_type": "e2-small"}),
            resource("google_storage_bucket", {"name": "b"}),
        ]
    }

    now = machines.running(plan)

    assert now == {"n1-standard-4": 2, "e2-small": 2}


@pytest.mark.parametrize("text", [None, "", "[]", '{"e2-small": "many"}'])
def test_what_runs_now_is_unknown_without_a_file_that_says_so(tmp_path, text):
    if text is not None:
        (tmp_path / "dev.machines.json").write_text(text)

    now = machines.read_running(tmp_path, "dev")

    assert now is None


def test_without_prices_machines_are_told_and_no_money():
    sentences = machines.sentences(TWO, {"e2-small": 1}, None)

    assert sentences == ["2 × e2-small: two", "1 × e2-medium: one", "now: 1 × e2-small"]


@pytest.mark.parametrize(
    ("now", "difference"),
    [
        ({"e2-small": 2, "e2-medium": 1}, "the same runs now"),
        ({}, "now: nothing; 1,241.00 a month more"),
        ({"e2-small": 1}, "now: 1 × e2-small; 1,168.00 a month more"),
        ({"e2-medium": 3}, "now: 3 × e2-medium; 2,044.00 a month less"),
    ],
)
def test_the_difference_to_what_runs_now_is_told_in_money(now, difference):
    *_, cost, last = machines.sentences(TWO, now, PRICES)

    assert cost == "1,241.00 a month by prices.toml"
    assert last == difference


def test_a_price_that_is_missing_is_named_and_nothing_is_guessed():
    *_, cost, difference = machines.sentences(TWO, {"c3-tiny": 1}, {"e2-small": Decimal(1)})

    assert cost == "1,460.00 a month by prices.toml, without e2-medium: no price is given"
    assert difference == (
        "now: 1 × c3-tiny; the difference is unknown without a price of c3-tiny, e2-medium"
    )


def test_without_machines_there_is_no_price():
    assert machines.sentences([], None, PRICES) == [COLD]
    assert machines.sentences([], {}, PRICES) == [COLD, "the same runs now"]


def test_what_runs_and_goes_is_told_as_less():
    sentences = machines.sentences([], {"e2-medium": 2}, PRICES)

    assert sentences == [COLD, "now: 2 × e2-medium; 2,190.00 a month less"]


def test_one_replica_is_one():
    serving = replace(PROD.serving, min_replicas=1)

    [behind_endpoints] = machines.of_stage(replace(PROD, serving=serving), ["cab"], None)

    assert str(behind_endpoints).startswith("2 × n1-standard-4: 1 replica each of cab, and as many")
