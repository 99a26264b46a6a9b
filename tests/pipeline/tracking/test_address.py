"""A team's own mlflow server, by its address."""

import pytest

from pipeline.errors import ConfigurationError
from pipeline.tracking import address


@pytest.mark.parametrize(
    "text",
    [
        "here",
        "http://localhost:5000",
        "https://mlflow.example.com/team",
        "http://10.0.0.7",
        "http://[::1]:5000",
    ],
)
def test_here_and_a_servers_address_are_taken(text):
    assert address.checked("--tracker", text) == text


def test_a_slash_at_the_end_is_no_other_server():
    assert address.checked("--tracker", "http://mlflow:5000/") == "http://mlflow:5000"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mlflow.example.com",
        "mlflow:5000",
        "ftp://mlflow",
        "sqlite:///mlflow.db",
        "databricks",
        "http://",
        "http:///path",
        "http://mlflow:port",
        "http://mlflow:0",
        "http://mlflow:70000",
        "http://[::1",
        "http://a b",
        "http://a..b",
        "http://mlflow\n",
        "http://ml\tflow",
        "http://mlflow?x=1",
        "http://mlflow#x",
        "http://\u2028",
        "http://é.example.com",
    ],
)
def test_what_is_no_servers_address_is_refused(text):
    with pytest.raises(ConfigurationError) as refusal:
        address.checked("--tracker", text)

    sentence = str(refusal.value)
    assert sentence.startswith("--tracker is '")
    assert sentence.endswith(address.ALLOWED)
    assert "\n" not in sentence


def test_a_password_in_an_address_is_refused_and_not_repeated():
    with pytest.raises(ConfigurationError) as refusal:
        address.checked("--tracker", "https://someone:secret@mlflow")

    assert "secret" not in str(refusal.value)
    assert "MLFLOW_TRACKING_TOKEN" in str(refusal.value)


def test_the_flag_goes_before_mlflows_variable(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://theirs")

    assert address.chosen("here") == "here"
    assert address.chosen(None) == "http://theirs"


def test_an_empty_variable_is_none(monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "")

    assert address.chosen(None) == "here"


@pytest.mark.parametrize(
    ("variable", "flags", "name"),
    [
        ("", ["--tracker", "mlflow:5000"], "--tracker is 'mlflow:5000'"),
        ("databricks", [], "MLFLOW_TRACKING_URI is 'databricks'"),
    ],
)
def test_a_run_with_a_wrong_address_does_not_begin(cli, cab, monkeypatch, variable, flags, name):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", variable)

    result = cli("run", cab, "--runs", cab.parent / "runs", *flags)

    assert result.code == 2
    assert name in result.sentence
    assert not (cab.parent / "runs").exists()
