"""Settings refuse undeployable values when they are built; names keep Google's rules."""

import ast
import dataclasses
import importlib.util
import re
import sys

import pytest

import settings
from environments import DEV, ENVIRONMENTS, PROD, STAGING
from settings import REPOSITORY, GitHub, RequestLog, Serving, Settings, Training
from settings.stages import by_stage

MANY = [f"model_{number}" for number in range(30)]
LONG_MODEL = "a" * 25


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=lambda s: s.stage)
def test_every_name_keeps_googles_rules_for_every_environment_and_model(environment):
    names = list(environment.names.all([*MANY, LONG_MODEL]))

    assert len(names) > 90
    for kind, name, rule in names:
        assert re.fullmatch(rule, name), kind


def test_the_longest_stage_and_project_still_make_legal_names(monkeypatch):
    monkeypatch.setattr(settings, "model_names", lambda: [LONG_MODEL])

    longest = dataclasses.replace(DEV, stage="a" * 10, project_id="p" * 30)

    for kind, name, rule in longest.names.all([LONG_MODEL]):
        assert re.fullmatch(rule, name), kind


def test_an_endpoint_is_a_number_of_ten_digits_that_stays_the_same_and_differs_by_stage_and_model():
    numbers = []
    for environment in ENVIRONMENTS.values():
        numbers += [environment.names.endpoint(model) for model in MANY]

    different_numbers = set(numbers)
    assert len(different_numbers) == len(numbers)
    assert DEV.names.endpoint("model_0") == "9310430747"
    assert ENVIRONMENTS["dev"] == DEV


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
        (
            {"signing_key": "projects/mill-dev/locations/eu/keyRings/r/cryptoKeys/k"},
            "allowed is projects/mill-dev/locations/LOCATION/keyRings/RING/cryptoKeys/KEY/"
            "cryptoKeyVersions/NUMBER",
        ),
        (
            {
                "signing_key": "projects/mill-prod/locations/eu/keyRings/r/cryptoKeys/k"
                "/cryptoKeyVersions/1"
            },
            "allowed is projects/mill-dev/",
        ),
        ({"promotes_from": "dev"}, "promotes_from is 'dev'"),
        ({"beam_engine": "spark"}, "beam_engine is 'spark'"),
        ({"network": "workers"}, "network is 'workers', allowed only with beam_engine dataflow"),
        (
            {"beam_engine": "dataflow", "network": "regions/r/subnetworks/workers"},
            "network is 'regions/r/subnetworks/workers', allowed is SUBNETWORK or "
            "HOST_PROJECT/SUBNETWORK",
        ),
        ({"network": 7}, "network is 7, allowed is str | None"),
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
    ("network", "subnetwork"),
    [
        (None, "projects/mill-staging/regions/us-central1/subnetworks/staging-dataflow"),
        ("workers", "projects/mill-staging/regions/us-central1/subnetworks/workers"),
        ("mill-hub/workers", "projects/mill-hub/regions/us-central1/subnetworks/workers"),
    ],
)
def test_a_network_is_the_stage_s_own_or_a_host_project_s(network, subnetwork):
    named = dataclasses.replace(STAGING, network=network)

    assert named.subnetwork == subnetwork
    assert named.makes_network is (network is None)


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
    request_log = RequestLog(retention_days=0)

    with pytest.raises(ValueError) as refused:
        dataclasses.replace(DEV, region="Europe", request_log=request_log, beam_engine="spark")

    message = str(refused.value)
    for word in ("stage dev", "region", "retention_days", "beam_engine"):
        assert word in message


def test_a_model_folder_with_an_illegal_name_is_refused(monkeypatch):
    monkeypatch.setattr(settings, "model_names", lambda: ["Taxi-Tips"])

    with pytest.raises(ValueError, match="Taxi-Tips"):
        dataclasses.replace(DEV)


def test_an_experiment_is_never_named_as_a_pipeline(monkeypatch):
    """Both are contexts of one store: google.cloud.aiplatform.metadata, experiment_resources."""
    monkeypatch.setattr(settings, "model_names", lambda: ["taxi", "taxi_runs"])

    with pytest.raises(ValueError, match="would both be named 'dev-taxi-runs', allowed is one"):
        dataclasses.replace(DEV)


def test_prod_is_kept_watched_and_approved():
    assert PROD.deletable is False
    assert PROD.approval_required is True
    assert PROD.alert_emails


def test_each_stage_promotes_from_one_that_exists():
    for environment in ENVIRONMENTS.values():
        assert environment.promotes_from in {None, *ENVIRONMENTS}


@pytest.mark.parametrize("file", ["__init__.py", "names.py", "stages.py"])
def test_what_both_halves_import_stands_on_the_standard_library(file):
    source = REPOSITORY / "settings" / file
    tree = ast.parse(source.read_text())

    modules = imported_modules(tree)

    assert modules
    for module in modules:
        package, *_ = module.split(".")
        assert package in {*sys.stdlib_module_names, "settings"}


def imported_modules(tree):
    modules = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.add(node.module)
    return modules


def own_stages():
    """The stages of the repository's own environments.py, a team's or ours."""
    spec = importlib.util.spec_from_file_location("own", REPOSITORY / "environments.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.ENVIRONMENTS.values()


def test_no_file_but_environments_names_a_project():
    projects = {settings.project_id for settings in [*own_stages(), *ENVIRONMENTS.values()]}
    repositories = {settings.github.repository for settings in own_stages()}
    values = [re.escape(value) for value in projects | repositories]
    pattern = re.compile("|".join(values))
    files = []
    for glob in (
        "settings/**/*.py",
        "infra/**/*.py",
        "pipeline/**/*.py",
        "build/*",
        ".github/**/*",
    ):
        files += [file for file in REPOSITORY.glob(glob) if file.is_file()]

    assert len(files) > 100
    for file in files:
        text = file.read_text()
        assert not pattern.search(text), file


def test_an_environment_is_one_value():
    for stage, environment in ENVIRONMENTS.items():
        assert isinstance(environment, Settings)
        assert environment.stage == stage


def test_environments_that_do_not_fit_together_are_refused_together():
    lost = dataclasses.replace(DEV, promotes_from="devv")
    first = dataclasses.replace(PROD, promotes_from="staging")
    second = dataclasses.replace(STAGING, promotes_from="prod")

    with pytest.raises(ValueError) as refused:
        by_stage(lost, lost, first, second)

    message = str(refused.value)
    assert "stage is 'dev' in 2 entries" in message
    assert "stage dev: promotes_from is 'devv', allowed are dev, prod, staging" in message
    assert "stage prod: promotes_from leads back to it by prod, staging" in message


def test_a_budget_tells_five_addresses_at_most():
    billed = dataclasses.replace(DEV, billing_account="012345-6789AB-CDEF01", monthly_budget=1)
    addresses = tuple(f"{letter}@example.org" for letter in "abcdef")

    with pytest.raises(ValueError, match="alert_emails has 6 addresses, allowed are 5"):
        dataclasses.replace(billed, alert_emails=addresses)
