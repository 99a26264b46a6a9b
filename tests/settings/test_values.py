"""Tests stand on values of their own, and a clone can list its changes."""

import hashlib
import json
import shutil
import subprocess
import sys

import pytest

import environments
from settings import MODELS, REPOSITORY, model_names
from tests import team
from tests.scripts import loaded

EDITED = {
    "environments.py": "VALUES = 1\n",
    "models/taxi/model.py": "MODEL = 1\n",
    "prices.toml": "n1-standard-2 = 1\n",
}
FILES = {**EDITED, "Pipfile": "", "runs/a.txt": "", "infra/a.py": ""}


def test_the_stages_and_models_of_the_tests_are_their_own():
    assert environments.__file__ == str(team.TEAM / "environments.py")
    assert MODELS == team.MODELS
    assert model_names() == ["cab", "ferry"]


def test_the_list_of_all_values_is_what_settings_take():
    values = loaded("values")

    listed = values.listed(team.TEAM / "environments.py")

    assert listed == values.listing()


def test_where_the_teams_own_file_keeps_the_list_it_is_true():
    values = loaded("values")

    listed = values.listed(REPOSITORY / "environments.py")

    assert listed in (None, values.listing()), "`make values` renews it"


@pytest.fixture
def clone(tmp_path):
    """A folder without a history, as a ZIP makes it, of a few files and their list."""
    for name in ("build/own", ".gitignore", "README.md"):
        source, file = REPOSITORY / name, tmp_path / name
        file.parent.mkdir(exist_ok=True)
        shutil.copy(source, file)
    for name, text in FILES.items():
        write(tmp_path / name, text)
    process = own(tmp_path, "--renew")
    assert process.returncode == 0
    return tmp_path


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def own(folder, *arguments):
    command = [sys.executable, folder / "build/own", *arguments]
    return subprocess.run(command, capture_output=True, text=True)


def test_what_a_team_edits_of_its_own_is_no_change(clone):
    for name in EDITED:
        write(clone / name, "edited = 1\n")
    write(clone / "models/another/model.toml", "")
    write(clone / "runs/b.txt", "a product of the work here")

    process = own(clone)

    assert process.stdout == "nothing is changed but environments.py, models/ and prices.toml\n"
    assert process.returncode == 0


def test_what_a_clone_changes_elsewhere_is_listed(clone):
    write(clone / "README.md", "ours")
    (clone / "infra/a.py").unlink()
    write(clone / "infra/b.py", "")
    write(clone / "Pipfile", "[pipeline]")

    process = own(clone, "--json")

    changes = json.loads(process.stdout)
    assert changes == {
        "changed": ["README.md"],
        "added": ["infra/b.py"],
        "removed": ["infra/a.py"],
        "shared": ["Pipfile"],
    }
    assert process.returncode == 3


def test_a_clone_without_the_list_is_one_sentence(clone):
    list_of_files = clone / "build/shipped.sha256"
    list_of_files.unlink()

    process = own(clone)

    assert process.returncode == 2
    assert process.stderr.count("\n") == 1
    assert "shipped.sha256" in process.stderr


def test_the_list_is_of_the_files_as_they_are_shipped():
    """Asked only beside the shipped environments.py: a team's clone may differ."""
    script = loaded("own")
    file = REPOSITORY / "environments.py"
    digest = hashlib.sha256(file.read_bytes())
    shipped_digests = script.shipped()
    if digest.hexdigest() != shipped_digests["environments.py"]:
        pytest.skip("environments.py is a team's own")

    changes = script.changes()

    assert not any(changes.values()), f"`make shipped` renews the list: {changes}"
