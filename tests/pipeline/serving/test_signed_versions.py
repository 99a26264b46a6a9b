"""A server with --public-key serves what its key has signed, and nothing else."""

import json
import shutil
from pathlib import Path

import pytest

from pipeline import manifest
from pipeline.provenance import envelope, key_file, published, statement
from tests.pipeline.provenance.keys import KINDS, private_key, public_key
from tests.pipeline.serving.server_process import started


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return private_key(tmp_path / "key.pem", *KINDS["Ed25519"])


@pytest.fixture
def versions(saved: Path, tmp_path: Path) -> Path:
    """A store's folder of versions that holds the first one, unsigned."""
    folder = tmp_path / "runs/store/small/published"
    shutil.copytree(saved, folder / "1")
    return folder


def sign(version: Path, private_file: Path, digest: str | None = None) -> Path:
    """Write the envelope of a statement about the version's model, or about another one."""
    subject = {"name": "small/run", "digest": {"sha256": digest or manifest.of(version).digest}}
    content = {
        "_type": statement.TYPE,
        "predicateType": statement.PREDICATE,
        "subject": [subject],
    }
    file = published.folder(version) / envelope.NAME
    file.parent.mkdir(parents=True, exist_ok=True)
    signer = key_file.private(private_file, "--signing-key")
    file.write_text(envelope.seal(json.dumps(content).encode(), signer))
    return file


@pytest.fixture
def serve(cli, versions: Path, key: Path, tmp_path: Path):
    """The refusal of a server of the versions."""
    runs = tmp_path / "runs"
    return lambda: cli("serve", "small", "--runs", runs, "--public-key", public_key(key))


def test_a_version_that_nobody_signed_is_refused(serve, versions):
    result = serve()

    assert result.code == 1
    assert f"{versions / '1'}: nothing that " in result.sentence
    assert "statements/1/provenance.dsse.json cannot be read (No such file" in result.sentence


def test_a_version_that_another_key_signed_is_refused(serve, versions, tmp_path):
    sign(versions / "1", private_key(tmp_path / "other.pem", *KINDS["P-256"]))

    result = serve()

    assert result.code == 1
    assert "no signature of it is by the key" in result.sentence


def test_a_statement_of_another_model_is_refused(serve, versions, key):
    sign(versions / "1", key, digest="a" * 64)

    result = serve()

    assert result.code == 1
    assert f"allowed is {'a' * 12}, which " in result.sentence


def test_an_altered_statement_is_refused(serve, versions, key):
    file = sign(versions / "1", key)
    content = json.loads(file.read_text())
    content["payload"] = content["payload"].replace("A", "B", 1)
    file.write_text(json.dumps(content))

    assert serve().code == 1


def test_a_file_that_is_no_key_is_refused(cli, versions, tmp_path):
    file = tmp_path / "no.pub"
    file.write_text("no key")

    result = cli("serve", "small", "--runs", tmp_path / "runs", "--public-key", file)

    assert result.code == 2
    assert "this is no public key in PEM" in result.sentence


def test_a_newer_version_takes_over_when_it_is_signed_and_not_before(
    versions: Path, key: Path, saved: Path, tmp_path: Path
):
    sign(versions / "1", key)
    options = ("--runs", tmp_path / "runs", "--port", 0, "--public-key", public_key(key))
    with started("python3", "-m", "pipeline", "serve", "small", *options) as server:
        server.wait_for("version 1, is ready after")

        shutil.copytree(saved, versions / ".2")
        second = (versions / ".2").rename(versions / "2")
        server.wait_for(f"{second}: nothing that .* signed .*; the old version serves on")
        sign(second, key)

        server.wait_for("version 2 serves now")
        assert "is unverified" not in server.output
