"""`--set` gives a model's hyperparameters values of their types, or is refused."""

import hypothesis.strategies as st
import pytest
from hypothesis import given

from pipeline.errors import ConfigurationError
from pipeline.experiments import trials
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small, edit
from tests.team import MODELS

CAB = ModelFolder.load(f"{MODELS}/cab/")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A cab with a hyperparameter of each type."""
    place = copy_small("cab", tmp_path_factory.mktemp("trials"))
    edit(
        place / "model.toml",
        r"^\[tuning.space\]$",
        '[tuning.space]\nbias = [true, false]\nactivation = ["relu", "gelu"]',
    )
    file = place / "hyperparameters/best.json"
    edit(file, r"^\{", '{"bias": true, "activation": "relu", ', first=True)
    return ModelFolder.load(f"{place}/")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("learning_rate=0.5", [0.5]),
        ("learning_rate=1", [1.0]),
        ("learning_rate=1e-4", [0.0001]),
        ("batch_size=7", [7]),
        ("bias=false,true", [False, True]),
        ("activation=a=b", ["a=b"]),
        ("activation=true", ["true"]),
    ],
)
def test_a_value_has_the_type_of_the_key(folder, text, expected):
    key = text.partition("=")[0]

    values = [trial[key] for trial in trials.of([text], folder)]

    assert values == expected
    assert list(map(type, values)) == list(map(type, expected))


def test_lists_are_combined():
    texts = ["learning_rate=0.1,0.2", "batch_size=8", "hidden_units=1,2"]

    combinations = [tuple(trial.values()) for trial in trials.of(texts, CAB)]

    assert combinations == [(0.1, 8, 1), (0.1, 8, 2), (0.2, 8, 1), (0.2, 8, 2)]


def test_without_a_key_there_is_one_run_of_the_files_own():
    assert trials.of([], CAB) == [{}]


@pytest.mark.parametrize(
    ("texts", "words"),
    [
        (["learning_rate"], "--set is 'learning_rate', allowed is KEY=VALUE"),
        (["=1"], "--set is '=1'"),
        (["learning_rate="], "--set is 'learning_rate='"),
        (["learning_rat=1"], "the nearest are learning_rate"),
        (["zzz=1"], "allowed are learning_rate"),
        (["learning_rate=fast"], "--set learning_rate is 'fast', allowed is a value of type float"),
        (["learning_rate=nan"], "allowed is a value of type float"),
        (["learning_rate=inf"], "allowed is a value of type float"),
        (["learning_rate=0.1,"], "--set learning_rate is ''"),
        ([f"batch_size=1{400 * '0'}"], "allowed is a value of type int"),
        (["batch_size=1.5"], "allowed is a value of type int"),
        ([f"batch_size={2**63}"], "allowed are integers of 64 bits, at least -9223372036854775808"),
        (["batch_size=8,8"], "--set batch_size has 8 twice"),
        (["batch_size=8", "batch_size=16"], "--set names 'batch_size' twice"),
        ([f"batch_size={','.join(map(str, range(1001)))}"], "makes 1,001 runs, allowed are 1,000"),
    ],
)
def test_what_cannot_be_set_is_refused(texts, words):
    with pytest.raises(ConfigurationError) as raised:
        trials.of(texts, CAB)

    assert words in str(raised.value)


def test_a_text_in_another_encoding_is_refused(folder):
    with pytest.raises(ConfigurationError, match=r"activation is '.udcff', allowed is a value of"):
        trials.of(["activation=\udcff"], folder)


def test_a_list_is_refused_where_one_run_is_asked_for():
    with pytest.raises(ConfigurationError, match="--set makes 2 runs"):
        trials.single(["batch_size=8,16"], CAB)


@given(
    st.fixed_dictionaries(
        {
            "learning_rate": st.floats(allow_nan=False, allow_infinity=False),
            "batch_size": st.integers(-(2**63), 2**63 - 1),
        }
    )
)
def test_a_trial_as_text_is_the_same_trial(trial):
    assert trials.of(trials.texts(trial), CAB) == [trial]


def test_the_changed_folder_has_another_file_of_hyperparameters_and_no_other_content():
    changed = CAB.with_hyperparameters({"batch_size": 7})

    different = [file for file in CAB.FILES if changed.content(file) != CAB.content(file)]

    assert different == ["hyperparameters/best.json"]
    assert changed.hyperparameters == CAB.hyperparameters | {"batch_size": 7}
    assert CAB.hyperparameters["batch_size"] != 7
