"""Settings refuse undeployable values when they are built; names keep Google's rules."""

import ast
import dataclasses
import re
import sys

import pytest

import settings
from environments import DEV, ENVIRONMENTS, PROD, STAGING
from settings import REPOSITORY, GitHub, RequestLog, Serving, Settings, Training
from settings.stages import by_stage

MANY = [f"model_{i}" for i in range(30)]


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda s: s.stage)
def test_every_name_keeps_googles_rules_for_every_environment_and_model(environment):
    named = list(environment.names.all([*MANY, "a" * 25]))

    assert len(named) > 3 * len(MANY)
    assert [(kind, name) for kind, name, rule in named if not re.fullmatch(rule, name)] == []


def test_the_longest_stage_and_project_still_make_legal_names(monkeypatch):
    monkeypatch.setattr(settings, "model_names", lambda: ["a" * 25])

    longest = dataclasses.replace(DEV, stage="a" * 10, project_id="p" * 30)

    assert [
        name for _, name, rule in longest.names.all(["a" * 25]) if not re.fullmatch(rule, name)
    ] == []


def test_an_endpoint_is_a_number_of_ten_digits_that_stays_the_same_and_differs_by_stage_and_model():
    numbers = {
        (stage, model): s.names.endpoint(model)
        for stage, s in ENVIRONMENTS.items()
        for model in MANY
    }

    assert len(set(numbers.values())) == len(numbers)
    assert numbers["dev", "model_0"] == "9310430747" == DEV.names.endpoint("model_0")


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"stage": "Dev!"}, "stage is 'Dev!'"),
        ({"project_id": "x"}, "project_id is 'x'"),
        ({"project_number": 0}, "project_number is 0"),
        ({"region": "Europe"}, "region is 'Europe'"),
        ({"github": GitHub("mill", 1)}, "github.repository is 'mill'"),
        ({"github": GitHub("mill/x", 0)}, "github.app_installation_id is 0"),
        ({"github": GitHub("mill/x", 1, branch="a b")}, "github.branch is 'a b'"),
        ({"billing_account": "12"}, "billing_account is '12'"),
        ({"monthly_budget": 100}, "monthly_budget is 100, allowed only with a billing_account"),
        ({"promotes_from": "dev"}, "promotes_from is 'dev'"),
        ({"beam_engine": "spark"}, "beam_engine is 'spark'"),
        ({"tracker": "neptune"}, "tracker is 'neptune'"),
        ({"training": Training("huge")}, "training.machine_type is 'huge'"),
        ({"serving": Serving(min_replicas=3, max_replicas=2)}, "serving supplies 3..2 replicas"),
        ({"serving": Serving(traffic_steps=(10, 5, 100))}, "serving.traffic_steps is (10, 5, 100)"),
        ({"serving": Serving(traffic_steps=(1, 10))}, "serving.traffic_steps is (1, 10)"),
        ({"request_log": RequestLog(sampling_rate=0.0)}, "request_log.sampling_rate is 0.0"),
        ({"request_log": RequestLog(sampling_rate=1.1)}, "request_log.sampling_rate is 1.1"),
        ({"request_log": RequestLog(retention_days=0)}, "request_log.retention_days is 0"),
        ({"deletable": False}, "alert_emails is empty"),
        ({"alert_emails": ("nobody",)}, "alert_emails has 'nobody'"),
        ({"region": None}, "region is None, allowed is str"),
        (
            {"request_log": RequestLog(sampling_rate="0.1")},
            "request_log.sampling_rate is '0.1', allowed is float",
        ),
        ({"deletable": "yes"}, "deletable is 'yes', allowed is bool"),
        ({"project_number": True}, "project_number is True, allowed is int"),
        ({"consumers": ("allUsers",)}, "consumers and readers have 'allUsers'"),
    ],
)
def test_a_value_that_cannot_be_deployed_is_refused(change, problem):
    with pytest.raises(ValueError, match=re.escape(problem)):
        dataclasses.replace(DEV, **change)


@pytest.mark.parametrize(
    ("repository", "linked"),
    [
        ("mill/loom", "mill-loom"),
        ("Mill/loom.js.git_2", "mill-loom-js-git-2"),
        ("mill/a__b--c", "mill-a--b--c"),
    ],
)
def test_a_repository_of_any_name_is_linked_by_one_that_google_takes(repository, linked):
    named = dataclasses.replace(DEV, github=GitHub(repository, 1))

    assert named.names.linked_repository == linked


def test_all_problems_are_reported_together():
    with pytest.raises(ValueError) as refused:
        dataclasses.replace(
            DEV, region="Europe", request_log=RequestLog(retention_days=0), beam_engine="spark"
        )

    assert all(
        word in str(refused.value)
        for word in ("environment dev", "region", "retention_days", "beam_engine")
    )


def test_a_model_folder_with_an_illegal_name_is_refused(monkeypatch):
    monkeypatch.setattr(settings, "model_names", lambda: ["Taxi-Tips"])

    with pytest.raises(ValueError, match="Taxi-Tips"):
        dataclasses.replace(DEV)


def test_prod_is_kept_watched_and_approved():
    assert PROD.deletable is False
    assert PROD.approval_required is True
    assert PROD.alert_emails


def test_each_stage_promotes_from_one_that_exists():
    assert {s.promotes_from for s in ENVIRONMENTS.values()} <= {None, *ENVIRONMENTS}


@pytest.mark.parametrize("file", ["__init__.py", "names.py", "stages.py"])
def test_what_both_halves_import_stands_on_the_standard_library(file):
    tree = ast.parse((REPOSITORY / "settings" / file).read_text())
    statements = [n for n in ast.walk(tree) if isinstance(n, ast.Import)]
    imported = {n.module for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)}
    imported |= {alias.name for statement in statements for alias in statement.names}

    assert imported and {name.split(".")[0] for name in imported if name} <= {
        *sys.stdlib_module_names,
        "settings",
    }


def test_no_file_but_environments_names_a_project():
    files = [
        p
        for folder in ("settings", "infra", "pipeline")
        for p in (REPOSITORY / folder).rglob("*.py")
    ]

    assert len(files) > 100
    assert [
        str(p) for p in files if re.search(r"acme|mill-(dev|staging|prod)", p.read_text())
    ] == []


def test_an_environment_is_one_value():
    assert all(isinstance(s, Settings) and stage == s.stage for stage, s in ENVIRONMENTS.items())


def test_environments_that_do_not_fit_together_are_refused_together():
    lost = dataclasses.replace(DEV, promotes_from="devv")
    first, second = (
        dataclasses.replace(PROD, promotes_from="staging"),
        dataclasses.replace(STAGING, promotes_from="prod"),
    )

    with pytest.raises(ValueError) as refused:
        by_stage(lost, lost, first, second)

    assert "stage is 'dev' in 2 environments" in str(refused.value)
    assert "environment dev: promotes_from is 'devv', allowed are dev, prod, staging" in str(
        refused.value
    )
    assert "environment prod: promotes_from leads back to it by prod, staging" in str(refused.value)


def test_a_budget_tells_five_addresses_at_most():
    with pytest.raises(ValueError, match="alert_emails has 6 addresses, allowed are 5"):
        dataclasses.replace(
            DEV,
            billing_account="012345-6789AB-CDEF01",
            monthly_budget=1,
            alert_emails=tuple(f"{i}@example.org" for i in range(6)),
        )
