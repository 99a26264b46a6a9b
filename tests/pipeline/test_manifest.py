"""A manifest tells each way in which a folder is no longer what was made."""

import hashlib
import json
import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import manifest


@pytest.fixture
def folder(tmp_path):
    """A folder of two files, with its manifest beside it."""
    folder = tmp_path / "model"
    (folder / "variables").mkdir(parents=True)
    (folder / "graph.pb").write_bytes(b"graph")
    (folder / "variables/data").write_bytes(b"weights")
    manifest.write(folder, manifest.beside(folder))
    return folder


def problem(folder):
    return manifest.problem(folder, manifest.beside(folder))


def test_a_folder_as_it_was_made_has_no_problem(folder):
    assert problem(folder) is None


def test_the_digest_is_that_of_what_sha256sum_prints(folder):
    lines = [
        f"{hashlib.sha256(b'graph').hexdigest()}  graph.pb\n",
        f"{hashlib.sha256(b'weights').hexdigest()}  variables/data\n",
    ]
    text = "".join(lines)

    digest = manifest.of(folder).digest

    assert digest == hashlib.sha256(text.encode()).hexdigest()


def test_what_accompanies_a_model_is_checked_and_no_part_of_its_digest(folder):
    digest = manifest.of(folder).digest
    (folder / "baseline.json").write_bytes(b"rows")
    manifest.write(folder, manifest.beside(folder))
    (folder / "baseline.json").write_bytes(b"nows")

    assert manifest.of(folder).digest == digest
    assert problem(folder) == "baseline.json has another content than it was made with"


def test_a_missing_file_is_named(folder):
    (folder / "variables/data").unlink()

    assert problem(folder) == "variables/data is missing"


def test_an_added_file_is_named(folder):
    (folder / "extra").touch()

    assert problem(folder) == "extra was added"


def test_a_shorter_file_is_named_with_its_sizes(folder):
    (folder / "graph.pb").write_bytes(b"gra")

    assert problem(folder) == "graph.pb has 3 bytes, it was made with 5"


def test_a_flipped_byte_is_named_though_the_time_is_put_back(folder):
    file = folder / "graph.pb"
    status = file.stat()
    file.write_bytes(b"grapf")
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns))

    assert problem(folder) == "graph.pb has another content than it was made with"


def test_an_emptied_and_a_missing_folder_are_told(folder):
    shutil.rmtree(folder)
    missing_problem = problem(folder)
    folder.mkdir()
    emptied_problem = problem(folder)

    assert missing_problem == f"{folder} is missing"
    assert emptied_problem == "graph.pb is missing"


def test_a_missing_manifest_is_told(folder):
    file = manifest.beside(folder)
    file.unlink()

    assert problem(folder) == f"{file} is missing"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{}", "[]", "null", "[" * 100_000),
        '{"files": 1, "times": {}, "digest": ""}',
        '{"files": {"\\ud800": {"sha256": "", "size": 0}}, "times": {}, "digest": ""}',
    ],
)
def test_a_file_that_is_no_manifest_is_told(folder, text):
    file = manifest.beside(folder)
    file.write_text(text)

    assert problem(folder) == f"{file} is no manifest"


def test_a_manifest_that_was_edited_is_told(folder):
    file = manifest.beside(folder)
    content = json.loads(file.read_text())
    content["files"]["graph.pb"]["sha256"] = hashlib.sha256(b"grapf").hexdigest()
    file.write_text(json.dumps(content))

    assert problem(folder) == f"{file} is damaged"


def test_an_added_file_whose_name_is_no_utf_8_is_named_in_a_sentence(folder):
    (folder / os.fsdecode(b"a\xff\n\x1b[31m")).touch()

    assert problem(folder) == "a???[31m was added"


def test_a_file_whose_name_is_no_utf_8_is_part_of_the_digest(folder):
    digest = manifest.of(folder).digest
    (folder / os.fsdecode(b"a\xff")).touch()
    file = manifest.beside(folder)
    written_manifest = manifest.write(folder, file)

    assert written_manifest.digest != digest
    assert manifest.read(file).digest == written_manifest.digest


def test_a_copy_is_read_once(folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "copy")
    shutil.copyfile(manifest.beside(folder), manifest.beside(copy))
    read = []
    sha256 = manifest._sha256

    def noted(path):
        read.append(path.name)
        return sha256(path)

    monkeypatch.setattr(manifest, "_sha256", noted)

    first_problem = problem(copy)
    second_problem = problem(copy)

    assert first_problem is None
    assert second_problem is None
    assert read == ["graph.pb", "data"]


def test_a_manifest_inside_its_folder_is_none_of_its_files_and_keeps_no_times(folder):
    file = manifest.inside(folder)

    written_manifest = manifest.write(folder, file)

    content = json.loads(file.read_text())
    assert content["times"] == {}
    assert list(written_manifest.files) == ["graph.pb", "variables/data"]
    assert manifest.problem(folder, file) is None


@given(st.binary(min_size=1, max_size=40), st.data())
def test_any_changed_byte_is_another_digest(tmp_path_factory, content, data):
    folder = tmp_path_factory.mktemp("any")
    position = data.draw(st.integers(0, len(content) - 1))
    changed_content = bytearray(content)
    changed_content[position] ^= data.draw(st.integers(1, 255))

    (folder / "file").write_bytes(content)
    digest = manifest.of(folder).digest
    (folder / "file").write_bytes(changed_content)

    assert manifest.of(folder).digest != digest
