"""One operation at a time in a checkout, and nothing left of an earlier synth."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from environments import DEV
from infra import __main__ as synth
from infra import cdktf_out
from infra.deploy import operations
from infra.policy import judgement
from settings import REPOSITORY

HOLDER = """
import sys, time
from pathlib import Path
from infra import cdktf_out
with cdktf_out.locked("deploy prod", Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A synth's output folder, in the working folder of the process."""
    folder = tmp_path / "cdktf.out"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cdktf_out.locked.__wrapped__, "__defaults__", (folder,))
    monkeypatch.setenv("CDKTF_CONTEXT_JSON", "{}")
    return folder


@pytest.fixture
def holder(folder):
    """Another process at work in the folder."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()
        yield process
        process.kill()


def plan() -> int:
    return operations.main(["plan", "--env", "dev"])


def policy() -> int:
    return judgement.main(["cdktf.out"])


@pytest.mark.parametrize("operation", [synth.main, plan, policy])
def test_a_second_operation_is_refused_in_a_sentence_that_names_the_first(
    holder, operation, capsys
):
    code = operation()

    output = capsys.readouterr()
    assert code == 1
    assert "cdktf.out is in use (deploy prod, by " in output.err
    assert f"process {holder.pid}): wait for its end" in output.err
    assert output.err.count("\n") == 1


def test_what_was_killed_holds_nothing(holder, folder):
    holder.kill()
    holder.wait()

    with cdktf_out.locked("synth", folder):
        pass


def planted(folder: Path, stack: str) -> Path:
    place = folder / "stacks" / stack
    place.mkdir(parents=True)
    (place / cdktf_out.CONFIGURATION).write_text("{}")
    return place


def test_a_stack_that_is_synthesized_no_more_is_judged_no_more(folder):
    other = planted(folder, "foundation-old")

    sentences = synth.synthesize({"dev": DEV}, str(folder))

    assert sentences == []
    assert not (other / cdktf_out.CONFIGURATION).exists()
    manifest = json.loads((folder / "manifest.json").read_text())
    configurations = {path.parent.name for path in folder.glob("stacks/*/cdk.tf.json")}
    assert configurations == set(manifest["stacks"])


def test_a_stage_that_was_renamed_is_told_as_long_as_its_terraform_is_there(folder, capsys):
    other = planted(folder, "serving-old")
    (other / ".terraform").mkdir()
    state = other / "errored.tfstate"
    state.write_text("{}")
    (folder / "manifest.json").write_text('{"stacks": {}}')

    for _ in range(2):
        used_stacks = cdktf_out.forget_others(folder)
        [sentence] = cdktf_out.warnings(used_stacks)

        assert sentence.startswith("environments.py names old no more")
        assert "`make teardown env=old`" in sentence
    assert state.exists()


def test_the_lock_of_the_checkout_is_beside_the_folder_and_ignored_by_git():
    name = os.path.relpath(f"{cdktf_out.FOLDER}.lock", REPOSITORY)
    ignored_names = (REPOSITORY / ".gitignore").read_text().splitlines()

    assert name in ignored_names
