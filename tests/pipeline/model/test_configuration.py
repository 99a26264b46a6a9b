"""A wrong folder is refused before anything runs.

The refusal names file, key, value and what is allowed, with exit 2; the last model is untouched.
"""

import pytest

from pipeline.errors import ConfigurationError
from pipeline.job import startup
from pipeline.model.folder import ModelFolder
from tests.pipeline.conftest import copy_small, edit

WRONG = {
    "a missing key": (
        "model.toml",
        r"^steps = 50$",
        "",
        ["model.toml", "training.steps is missing"],
    ),
    "a misspelt key": (
        "model.toml",
        r"^purpose",
        "purpos",
        ["purpos is unknown", "allowed are purpose, data"],
    ),
    "a misspelt key of a table": (
        "model.toml",
        r"^window_days",
        "window_day",
        ["data.window_day is unknown", "window_days"],
    ),
    "a wrong type": (
        "model.toml",
        r"^minimum_rows = .*",
        'minimum_rows = "many"',
        ["data.minimum_rows is 'many'", "valid integer"],
    ),
    "a negative number": (
        "model.toml",
        r"^trials = .*",
        "trials = -1",
        ["tuning.trials is -1", "greater than or equal to 1"],
    ),
    "no TOML": ("model.toml", r"^purpose = .*", "purpose = ", ["model.toml: not TOML"]),
    "an unknown metric": (
        "model.toml",
        r"^metric = .*",
        'metric = "roc"',
        ["gate.metric is 'roc'", "'auc'"],
    ),
    "a bound out of range": (
        "model.toml",
        r"^lower_bound = .*",
        "lower_bound = 1.2",
        ["gate.lower_bound is 1.2", "more than 0.5 and less than 1"],
    ),
    "a bound below chance": (
        "model.toml",
        r"^lower_bound = .*",
        "lower_bound = -0.1",
        ["gate.lower_bound is -0.1", "more than 0.5"],
    ),
    "a bound that is no number": (
        "model.toml",
        r"^lower_bound = .*",
        "lower_bound = nan",
        ["gate.lower_bound is nan"],
    ),
    "a gate that can never fail": (
        "model.toml",
        r"^least_change = .*",
        "least_change = -0.5",
        ["gate.least_change is -0.5", "it can never fail"],
    ),
    "a reversed change": (
        "model.toml",
        r"^least_change = .*",
        "least_change = 0.005",
        ["gate.least_change is 0.005", "at most 0"],
    ),
    "a reversed gate": (
        "model.toml",
        r"^lower_bound = .*",
        "upper_bound = 0.9",
        ["gate.upper_bound is a reversed gate", "lower_bound"],
    ),
    "a gate that is off": ("model.toml", r"(?s)^\[gate\].*?(?=^\[)", "", ["gate is missing"]),
    "an unknown column": (
        "model.toml",
        r"^required = .*",
        'required = ["tip"]',
        ["data.required names 'tip'", "allowed are the features of schema.pbtxt"],
    ),
    "a served label": (
        "schema.pbtxt",
        r'not_in_environment: "SERVING"',
        "",
        ["schema.pbtxt: the feature tips makes the label"],
    ),
    "an unknown sample feature": (
        "model.toml",
        r"^fare = .*",
        "fair = 3.0",
        ["serving.sample names 'fair'"],
    ),
    "a sample of the wrong type": (
        "model.toml",
        r"^payment_type = .*",
        "payment_type = 3",
        ["serving.sample.payment_type is 3", "BYTES"],
    ),
    "a package that is not installed": (
        "model.toml",
        r"^source = .*",
        'source = "package:no_such/x.csv"',
        ["the package 'no_such'"],
    ),
    "an unknown hyperparameter": (
        "hyperparameters/best.json",
        r'"hidden_units"',
        '"hiden_units"',
        ["best.json: the hyperparameter 'hiden_units' is unknown"],
    ),
    "a hyperparameter out of the space": (
        "hyperparameters/best.json",
        r'"batch_size": \d+',
        '"batch_size": 7',
        ["batch_size is 7"],
    ),
    "hyperparameters that are not JSON": (
        "hyperparameters/best.json",
        r"\{",
        "",
        ["best.json: not JSON"],
    ),
    "a schema that does not parse": (
        "schema.pbtxt",
        r"(?s)\A",
        "featur {}\n",
        ["schema.pbtxt: not a TensorFlow Metadata schema"],
    ),
    "no entry function": (
        "model.py",
        r"^def run_fn",
        "def run",
        ["model.py: there is no function run_fn"],
    ),
    "no preprocessing function": (
        "preprocessing.py",
        r"^def preprocessing_fn",
        "def pre",
        ["there is no function preprocessing_fn"],
    ),
    "a syntax error": ("model.py", r"^def run_fn", "def def run_fn", ["model.py: not Python"]),
    "a sibling imported": (
        "model.py",
        r"^import keras$",
        "import preprocessing",
        ["model.py: line 3 imports preprocessing"],
    ),
    "a sibling imported relatively": (
        "model.py",
        r"^import keras$",
        "from . import preprocessing",
        ["model.py: line 3 imports ."],
    ),
    "the repository imported": (
        "preprocessing.py",
        r"^import tensorflow as tf$",
        "from pipeline import spec",
        ["imports pipeline"],
    ),
}


@pytest.mark.parametrize(("file", "pattern", "replacement", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_folder_is_refused_with_one_sentence(
    file, pattern, replacement, says, tmp_path, cli, trained
):
    folder = copy_small("cab", tmp_path)
    published_sha256 = trained.published_sha256
    edit(folder / file, pattern, replacement, first=True)

    result = cli("run", folder, "--runs", trained.runs)

    assert result.code == 2, result.err
    for words in says:
        assert words in result.sentence
    assert "Traceback" not in result.err
    assert result.error_lines == [result.sentence]
    assert trained.published_sha256 == published_sha256


@pytest.mark.parametrize("file", ModelFolder.FILES)
def test_a_missing_file_is_named(file, cab, cli):
    (cab / file).unlink()

    result = cli("run", cab)

    assert result.code == 2
    assert f"{file}: there is no such file" in result.sentence


def test_an_unknown_model_is_told_which_there_are(cli):
    result = cli("run", "cabb")

    assert result.code == 2
    assert "'cabb'" in result.sentence
    assert "cab, ferry" in result.sentence


@pytest.mark.parametrize(
    "arguments",
    [("run",), ("tune",), ("schema",), ("predict", "--input", "a.csv", "--output", "b.csv")],
    ids=lambda a: a[0],
)
def test_an_unknown_model_is_told_before_anything_is_imported_or_started(
    arguments, cli, tmp_path, monkeypatch
):
    monkeypatch.setattr(startup, "load", lambda: pytest.fail("TensorFlow is imported"))

    runs = tmp_path / "runs"

    result = cli(*arguments, "cabb", "--runs", runs)

    assert result.code == 2
    assert not runs.exists()


def test_an_unknown_verb_is_wrong_usage(cli):
    result = cli("rum", "cab")

    assert result.code == 2
    assert "invalid choice: 'rum'" in result.err


def test_a_folder_with_an_illegal_name_is_refused(tmp_path):
    folder = copy_small("cab", tmp_path)
    renamed = folder.rename(tmp_path / "Taxi-2")

    with pytest.raises(ConfigurationError, match="Taxi-2"):
        ModelFolder.load(str(renamed))
