"""A place that can't be read or written is told before any work."""

import contextlib
from pathlib import Path

import pytest

from pipeline import places
from pipeline.errors import ConfigurationError, RunError
from pipeline.job import startup
from tests.pipeline.disk import mounted

PREDICT = ("predict", "cab", "--input", "rows.csv", "--output")


@pytest.fixture(autouse=True)
def nothing_is_imported(monkeypatch):
    monkeypatch.setattr(startup, "load", lambda: pytest.fail("TensorFlow is imported"))


@pytest.mark.parametrize("character", ["*", "?", "[", "\\"])
def test_what_a_library_reads_as_a_pattern_is_refused_by_its_name(character, tmp_path):
    path = tmp_path / f"a{character}b/runs"

    with pytest.raises(ConfigurationError) as caught:
        places.artifacts_folder(path, "--runs")

    sentence = str(caught.value)
    assert f"{character!r} would be read as a pattern" in sentence
    assert str(path) in sentence


@pytest.mark.parametrize(
    "name", ["a#b", "a%20b", "a b", "a]b", "a'b", 'a"b', "é日🚖", "a:b", "{{$}}"]
)
def test_every_other_character_is_taken(name, tmp_path):
    assert places.artifacts_folder(tmp_path / name, "--runs") == tmp_path / name


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("a\nb", "without control characters"),
        ("a\0b", "without control characters"),
        ("a\udcffb", "in UTF-8"),
        ("gs://bucket/runs", "not a URI"),
        ("a" * 300, "File name too long"),
    ],
)
def test_what_is_no_path_here_is_refused(path, allowed):
    with pytest.raises(ConfigurationError, match=allowed):
        places.folder(Path(path), "--runs")


@pytest.mark.parametrize(
    "arguments",
    [
        ("run", "cab", "--runs"),
        ("tune", "cab", "--runs"),
        ("runs", "--runs"),
        ("serve", "cab", "--runs"),
        ("compile", "cab", "--env", "local", "--runs"),
        ("compile", "cab", "--env", "local", "--output"),
        ("predict", "cab", "--input", "rows.csv", "--output", "out.csv", "--runs"),
    ],
    ids=lambda arguments: f"{arguments[0]} {arguments[-1]}",
)
@pytest.mark.parametrize("below", ["", "/below"], ids=["itself", "above"])
def test_a_file_where_a_folder_should_be_is_told_first(arguments, below, cli, tmp_path):
    file = tmp_path / "file"
    file.write_text("kept")

    result = cli(*arguments, f"{file}{below}")

    assert result.code == 2
    assert f"{file} is a file: allowed is a folder" in result.sentence
    assert file.read_text() == "kept"


def test_an_output_in_a_missing_folder_is_told_first(cli, tmp_path):
    result = cli(*PREDICT, tmp_path / "missing/out.csv", "--runs", tmp_path / "runs")

    assert result.code == 2
    assert f"there is no folder {tmp_path}/missing" in result.sentence
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("output", "kind"), [(".", "a folder"), ("/dev/null", "no plain file")])
def test_an_output_that_would_replace_something_else_is_told_first(output, kind, cli, tmp_path):
    result = cli(*PREDICT, output, "--runs", tmp_path / "runs")

    assert result.code == 2
    assert f"{kind}: allowed is a file" in result.sentence


def test_a_folder_that_is_read_only_is_told_first(cli, tmp_path):
    with mounted(tmp_path / "disk", "ro") as disk:
        run_result = cli("run", "cab", "--runs", disk / "runs")
        compile_result = cli("compile", "cab", "--env", "local", "--output", disk / "compiled")
        predict_result = cli(*PREDICT, disk / "out.csv", "--runs", tmp_path / "runs")

    for result in (run_result, compile_result, predict_result):
        assert result.code == 1
        assert "cannot be written (Read-only file system)" in result.sentence


def test_a_disk_without_room_is_told_first(cli, tmp_path):
    with mounted(tmp_path / "disk", "size=64k") as disk:
        everything = disk / "everything"
        with contextlib.suppress(OSError):
            everything.write_bytes(bytes(100_000))

        result = cli("run", "cab", "--runs", disk / "runs")

    assert result.code == 1
    assert "cannot be written (No space left on device)" in result.sentence


def test_an_error_of_the_system_that_nobody_expected_is_a_sentence(cli, tmp_path, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(places, "folder", fail)

    result = cli("runs", "--runs", tmp_path)

    assert result.code == 1
    assert result.sentence == f"python -m pipeline runs: {tmp_path}: Permission denied"


def test_a_copy_that_fails_names_what_was_to_be_written(tmp_path):
    error = OSError(28, "No space left on device", "source", None, "target")

    sentence = places.cannot_be_written(tmp_path, error)

    assert isinstance(sentence, RunError)
    assert str(sentence) == "target: cannot be written (No space left on device)"


def test_a_long_path_is_shown_without_its_middle():
    assert len(places.shown("a/" * 2000)) < 200
