"""An experiment's name holds the person's, keeps Google's limits, and is no delivery's."""

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from environments import DEV
from pipeline.errors import ConfigurationError
from pipeline.submission import user
from settings import STAGE
from settings.names import MODEL_NAME, USER
from tests.pipeline.delivery.conftest import Repository

STAGES = st.from_regex(STAGE, fullmatch=True)
MODELS = st.from_regex(MODEL_NAME, fullmatch=True)
USERS = st.from_regex(USER, fullmatch=True)


def names_of(stage):
    return replace(DEV.names, stage=stage)


@given(stage=STAGES, name=USERS, model=MODELS)
def test_no_delivery_of_any_stage_and_model_has_an_experiment_s_name(stage, name, model):
    experiment = names_of(stage).experiment_pipeline(name, model)

    # A delivery's begins with its stage, which has no hyphen.
    first_part, _, _ = experiment.partition("-")
    assert names_of(stage).pipeline(model).startswith(f"{stage}-")
    assert re.fullmatch(STAGE, first_part) is None


@given(stage=STAGES, name=USERS, model=MODELS)
def test_a_run_s_id_and_labels_keep_google_s_limits(stage, name, model):
    run = f"{names_of(stage).experiment_pipeline(name, model)}-20261128-113000-abcd"

    assert re.fullmatch(r"[a-z][a-z0-9-]{0,126}", run)
    assert re.fullmatch(r"[a-z0-9_-]{1,63}", name)


@given(first=USERS, second=USERS, model=MODELS, other_model=MODELS)
def test_two_people_never_share_a_name(first, second, model, other_model):
    names = DEV.names

    if (first, model) != (second, other_model):
        assert names.experiment_pipeline(first, model) != names.experiment_pipeline(
            second, other_model
        )


@given(st.text())
def test_any_text_becomes_a_part_of_a_name_or_nothing(text):
    assert re.fullmatch(rf"({USER})?", user.sanitized(text))


@pytest.mark.parametrize(
    ("email", "name"),
    [
        ("ana@mill.example", "ana"),
        ("Ana.Sousa+ml@mill.example", "anasousaml"),
        ("josé_álvarez@mill.example", "josealvarez"),
        ("a" * 30 + "@mill.example", "a" * 20),
    ],
)
def test_a_person_is_named_by_the_address_in_git(tmp_path, email, name):
    repository = Repository(tmp_path / "clone")
    repository.git("config", "user.email", email)

    assert user.current(repository.path) == name


def test_without_an_address_of_letters_the_login_names_the_person(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "clone")
    repository.git("config", "user.email", "мария@mill.example")
    monkeypatch.setenv("LOGNAME", "Maria")

    assert user.current(repository.path) == "maria"


def test_a_person_without_any_letter_is_told_how_to_have_one(tmp_path, monkeypatch):
    repository = Repository(tmp_path / "clone")
    repository.git("config", "user.email", "мария@mill.example")
    monkeypatch.setenv("LOGNAME", "мария")

    with pytest.raises(ConfigurationError, match=r"git config user\.email"):
        user.current(repository.path)
