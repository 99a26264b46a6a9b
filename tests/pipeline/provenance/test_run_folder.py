"""A run here leaves its statement, signed where it was asked for, and the verb verifies it."""

import json

import pytest

from pipeline import manifest
from pipeline.provenance import envelope, key_file, published, run_folder, statement
from settings import REPOSITORY
from tests.pipeline.conftest import parsed
from tests.pipeline.provenance.keys import KINDS, private_key, public_key

TEXTS = {"summary.json": "{}\n"}


@pytest.fixture
def key(tmp_path):
    return private_key(tmp_path / "key.pem", *KINDS["Ed25519"])


@pytest.fixture
def runs(tmp_path):
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def signed(runs, summary, key):
    """The folder of a signed run."""
    run_folder.write(runs, summary, TEXTS, key_file.private(key, "--signing-key"))
    folder = runs / summary["run"]
    (folder / "summary.json").write_text(TEXTS["summary.json"])
    return folder


@pytest.fixture
def verify(runs, key, summary, cli):
    def call(run=summary["run"], public_file=None, *options):
        file = public_file or public_key(key)
        return cli("provenance", "verify", run, "--runs", runs, "--public-key", file, *options)

    return call


def test_a_run_s_statement_is_about_the_model_that_it_published(trained):
    content = json.loads((trained.run / statement.NAME).read_text())

    digest = trained.summary["records"]["training"]["digest"]
    assert statement.digests(content) == [digest]
    assert manifest.read(manifest.inside(trained.model)).digest == digest
    assert not (trained.run / envelope.NAME).exists()


def test_a_signed_run_is_verified(signed, verify, summary):
    result = verify(summary["run"], None, "--json")

    answer = parsed(result)
    assert result.code == 0
    assert answer["digests"] == ["a" * 64]


def test_an_altered_statement_is_named(signed, verify):
    file = signed / statement.NAME
    file.write_text(file.read_text().replace('"seed": 7', '"seed": 8'))

    result = verify()

    assert result.code == 1
    assert result.sentence.endswith("provenance.json is not what was signed beside it")


def test_a_missing_envelope_is_named(signed, verify):
    (signed / envelope.NAME).unlink()

    result = verify()

    assert result.code == 1
    assert "provenance.dsse.json is missing: the run was not signed" in result.sentence


def test_another_key_is_refused(signed, verify, tmp_path, summary):
    other_key = private_key(tmp_path / "other.pem", *KINDS["P-256"])

    result = verify(summary["run"], public_key(other_key))

    assert result.code == 1
    assert "signed by another key or altered since" in result.sentence


def test_the_beginning_of_a_run_s_id_is_enough(signed, verify):
    result = verify(signed.name[:12])

    assert result.code == 0, result.err
    assert result.out.startswith(f"{signed.name} is signed by the key")


@pytest.mark.parametrize("run", ["no-such-run", "../runs", "a/b", "", ".", "..", "r" * 300])
def test_a_run_that_is_not_there_is_a_wrong_usage(signed, verify, run):
    result = verify(run)

    assert result.code == 2
    assert f"there is no run '{run}' in" in result.sentence


def test_a_cached_model_has_the_statement_of_the_run_that_made_it(signed, runs, summary, key):
    cached = {**summary, "run": "20260103-000000-cab-222222"}

    run_folder.write(runs, cached, {}, None)

    text = (runs / cached["run"] / statement.NAME).read_text()
    assert text == (signed / statement.NAME).read_text()


def test_a_cached_model_s_statement_of_another_digest_is_not_taken(signed, runs, summary):
    cached = {**summary, "run": "20260103-000000-cab-222222"}
    cached["records"]["training"]["digest"] = "b" * 64

    run_folder.write(runs, cached, {}, None)

    content = json.loads((runs / cached["run"] / statement.NAME).read_text())
    assert statement.digests(content) == ["b" * 64]


def test_a_key_in_the_repository_is_refused_before_anything_is_trained(cli, tmp_path):
    file = REPOSITORY / "key.pem"

    result = cli("run", "cab", "--runs", tmp_path / "runs", "--signing-key", file)

    assert result.code == 2
    assert "in the repository" in result.sentence
    assert not list(tmp_path.glob("runs/*"))


@pytest.fixture
def version(runs, summary):
    """The statement's folder of the version that the run has published."""
    address = runs / "store/cab/published/1700000000"
    summary["decision"]["published"] = str(address)
    return published.folder(address)


def test_a_published_version_has_its_statement_beside_the_versions(version, signed):
    assert version == signed.parent / "store/cab/statements/1700000000"
    for name in (statement.NAME, envelope.NAME):
        assert (version / name).read_bytes() == (signed / name).read_bytes()


def test_an_unsigned_run_leaves_a_version_s_signed_statement(version, signed, runs, summary):
    sealed = (version / envelope.NAME).read_bytes()

    run_folder.write(runs, {**summary, "seconds": 1.0}, TEXTS, None)

    assert (version / envelope.NAME).read_bytes() == sealed
    assert (version / statement.NAME).read_bytes() != (signed / statement.NAME).read_bytes()


def test_a_signed_run_signs_a_version_that_was_not(version, runs, summary, key):
    run_folder.write(runs, summary, TEXTS, None)

    run_folder.write(runs, summary, TEXTS, key_file.private(key, "--signing-key"))

    published.check(
        runs / "store/cab/published/1700000000", "a" * 64, key_file.public(public_key(key), "")
    )


def test_a_run_that_published_nothing_leaves_no_version_s_statement(runs, summary, signed):
    assert not (runs / "store").exists()
