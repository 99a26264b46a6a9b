"""An unservable model or an unusable setting is told in a sentence."""

import json
import shutil
from socket import create_server

import pytest

from pipeline import manifest
from pipeline.errors import ConfigurationError
from pipeline.serving import loading, server
from tests.pipeline.serving.server_process import ENTRYPOINT, SECONDS, started


def test_a_graph_that_does_not_load_ends_the_server_with_a_sentence(trained, tmp_path):
    broken = shutil.copytree(trained.model, tmp_path / "broken")
    manifest.inside(broken).unlink()
    (broken / "saved_model.pb").write_bytes(b"no graph")

    with started(*ENTRYPOINT, AIP_STORAGE_URI=str(broken)) as process:
        exit_code = process.popen.wait(SECONDS)

        process.wait_for(f"python -m pipeline.serving.server: {broken}: cannot be served: .+\n$")
        assert exit_code == 1
        assert "Traceback" not in process.output


def test_a_published_model_that_is_no_longer_what_it_was_is_not_served(cli, trained, tmp_path):
    damaged = shutil.copytree(trained.model, tmp_path / "damaged")
    file = damaged / "assets.extra/sample.json"
    text = file.read_text()
    file.write_text(text.replace("12.45", "12.46"))

    result = cli("serve", damaged)

    assert result.code == 1
    assert f"{damaged}: the model is damaged (assets.extra/sample.json has another content" in (
        result.sentence
    )


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("features", ["fare"], "features is ['fare'], allowed is an object of INT, FLOAT, BYTES"),
        ("features", {"fare": "DOUBLE"}, "features is {'fare': 'DOUBLE'}, allowed is"),
        ("features", {"fare": []}, "features is {'fare': []}, allowed is"),
        ("default_signature", "none", "default_signature is 'none', allowed are serving_default"),
        ("model", None, "model is None, allowed is the model's name"),
    ],
)
def test_assets_that_do_not_describe_the_model_are_refused(saved, tmp_path, key, value, says):
    foreign = shutil.copytree(saved, tmp_path / "foreign")
    file = foreign / "assets.extra/serving.json"
    serving = {**json.loads(file.read_text()), key: value}
    file.write_text(json.dumps(serving))

    with pytest.raises(ConfigurationError) as refusal:
        loading.load(str(foreign))

    sentence = str(refusal.value)
    assert sentence.startswith(f"{file}: {says}")


@pytest.mark.parametrize("content", ["{", "[]", "\udcff"])
def test_assets_that_are_no_json_are_refused(saved, tmp_path, content):
    foreign = shutil.copytree(saved, tmp_path / "foreign")
    file = foreign / "assets.extra/sample.json"
    file.write_bytes(content.encode("utf-8", "surrogateescape"))

    with pytest.raises(ConfigurationError, match="allowed is an object"):
        loading.load(str(foreign))


def test_the_verb_refuses_what_is_no_model_of_ours(cli, trained, tmp_path):
    ignored = shutil.ignore_patterns("assets.extra")
    shutil.copytree(trained.model, tmp_path / "bare", ignore=ignored)
    sentences = {
        "cab": (
            f"there is no published version of 'cab' in {tmp_path}/store/cab/published: run "
            "`python -m pipeline run cab` first"
        ),
        f"{tmp_path}/none": f"{tmp_path}/none: there is no such folder",
        f"{tmp_path}": f"{tmp_path}: there is no saved_model.pb",
        f"{tmp_path}/bare": f"{tmp_path}/bare: there is no assets.extra/schema.pbtxt",
    }

    for argument, sentence in sentences.items():
        result = cli("serve", argument, "--runs", tmp_path)

        assert result.code == 2
        assert sentence in result.sentence


def test_a_port_that_is_none_or_taken_is_told(cli, trained):
    with create_server(("127.0.0.1", 0)) as listener:
        _, port = listener.getsockname()
        occupied = cli("serve", trained.model, "--port", port)
    impossible = cli("serve", trained.model, "--port", 65536)

    assert occupied.code == 1
    assert f"127.0.0.1:{port} can't be listened at" in occupied.sentence
    assert impossible.code == 2
    assert "the port is 65536" in impossible.sentence


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({}, "AIP_STORAGE_URI is not set"),
        ({"AIP_STORAGE_URI": "/m", "AIP_HTTP_PORT": "http"}, "AIP_HTTP_PORT is 'http'"),
        ({"AIP_STORAGE_URI": "/m", "AIP_HEALTH_ROUTE": "health"}, "AIP_HEALTH_ROUTE is 'health'"),
        (
            {"AIP_STORAGE_URI": "/m", "AIP_PREDICT_ROUTE": "/{name}"},
            "AIP_PREDICT_ROUTE is '/{name}'",
        ),
        (
            {"AIP_STORAGE_URI": "/m", "AIP_PREDICT_ROUTE": "/metrics"},
            "AIP_PREDICT_ROUTE is '/metrics'",
        ),
        (
            {"AIP_STORAGE_URI": "/m", "ESTEIRA_MODEL_DIGEST": "sha256:1"},
            "ESTEIRA_MODEL_DIGEST is 'sha256:1', allowed are the 64 digits of a SHA-256",
        ),
    ],
)
def test_a_container_that_is_set_up_wrongly_says_by_which_variable(capsys, variables, says):
    code = server.main(variables)

    output = capsys.readouterr()
    assert code == 2
    assert says in output.err
