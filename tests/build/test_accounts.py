"""Whatever an account, a locale or a shell is set to, the venv's commands run alike."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from settings import REPOSITORY
from tests.scripts import loaded
from tests.team import MODELS

SCRIPT = REPOSITORY / "build/environment"
PURPOSE = "São Tomé: will the passenger tip? ✓"
C_LOCALE = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
SHOW = "import json, os; print(json.dumps(dict(os.environ)))"
HOSTILE = {
    "PYTHONPATH": "/nowhere",
    "PYTHONSAFEPATH": "1",
    "PYTHONHOME": "",
    "PYTHONWARNINGS": "error",
    "PYTHONOPTIMIZE": "2",
    "PYTHONIOENCODING": "latin-1",
    "PYTHONSTARTUP": "/nowhere",
    "PIP_USER": "1",
    "PIP_TARGET": "/nowhere",
    "UV_SYSTEM_PYTHON": "1",
    "PIP_REQUIRE_VIRTUALENV": "1",
}
WELCOME = {
    "PIP_INDEX_URL": "https://mirror/simple",
    "UV_DEFAULT_INDEX": "https://mirror/simple",
    "PYTHONDONTWRITEBYTECODE": "1",
    "TZ": "Asia/Kathmandu",
}


@pytest.fixture(scope="module")
def environment():
    return loaded("environment")


def call(*command, **keywords):
    full_command = [sys.executable, str(SCRIPT), "pipeline", *command]
    return subprocess.run(full_command, capture_output=True, text=True, **keywords)


@pytest.fixture(scope="module")
def variables():
    """What a command in the venv has of a shell's variables."""
    process = call("python", "-c", SHOW, env=os.environ | HOSTILE | WELCOME | C_LOCALE)
    assert process.returncode == 0, process.stderr
    return json.loads(process.stdout)


@pytest.mark.parametrize("name", HOSTILE)
def test_what_would_change_an_answer_is_taken_away(variables, name):
    assert name not in variables


@pytest.mark.parametrize("name", WELCOME)
def test_what_names_an_index_or_changes_nothing_stays(variables, name):
    assert variables[name] == WELCOME[name]


def test_every_process_reads_and_writes_utf8(variables):
    assert variables["PYTHONUTF8"] == "1"


def test_pip_fills_the_venv_even_where_pip_conf_says_user(environment, monkeypatch, tmp_path):
    commands = []
    monkeypatch.setattr(environment, "CACHE", tmp_path)
    monkeypatch.setattr(environment, "run", lambda command, _: commands.append(command))

    environment.virtual_environment("dev", ["in-a-userland"])

    [command] = [command for command in commands if "pip" in command and "-m" in command]
    assert "--no-user" in command


def test_our_own_path_stays():
    process = call("python", "-c", SHOW, env=os.environ | {"PYTHONPATH": str(REPOSITORY)})

    variables = json.loads(process.stdout)
    assert variables["PYTHONPATH"] == str(REPOSITORY)


@pytest.mark.parametrize(("umask", "effective"), [(0o777, 0o077), (0o022, 0o022), (0, 0)])
def test_a_umask_never_locks_the_owner_out(umask, effective):
    process = call("python", "-c", "import os; print(os.umask(0))", umask=umask)

    assert int(process.stdout) == effective


def test_an_account_without_an_entry_has_a_name_for_the_libraries(environment, monkeypatch):
    for name in ("LOGNAME", "USER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(environment.os, "getuid", lambda: 54321)

    assert environment.account() == "54321"


def test_an_account_without_a_home_is_told_what_to_set(environment, monkeypatch, capsys):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(environment.os, "getuid", lambda: 54321)

    with pytest.raises(SystemExit) as end:
        environment.cache()

    message = capsys.readouterr().err
    assert end.value.code == 2
    assert "HOME is not set, and the account 54321 has no entry" in message
    assert message.count("\n") == 1


@pytest.mark.parametrize("folder", ["", ".", "~"])
def test_without_a_whole_home_the_account_s_entry_has_it(environment, monkeypatch, folder):
    expected = os.path.expanduser(f"~{environment.account()}")
    monkeypatch.setenv("HOME", folder)

    assert str(environment.home()) == expected


def test_an_account_without_a_path_runs_commands_all_the_same(environment, monkeypatch):
    variables = {name: value for name, value in os.environ.items() if name != "PATH"}
    monkeypatch.setattr(os, "environ", variables)

    environment.clean()

    assert variables["PATH"] == os.defpath


def test_a_relative_cache_is_ignored(environment, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "cache")

    assert environment.cache() == tmp_path / ".cache/esteira"


def test_a_cache_that_cannot_be_written_is_one_sentence(tmp_path):
    file = tmp_path / "file"
    file.touch()

    process = call("true", env=os.environ | {"XDG_CACHE_HOME": str(file)})

    assert process.returncode == 2
    assert "set HOME or XDG_CACHE_HOME to a folder that this account may write" in process.stderr
    assert process.stderr.count("\n") == 1


@pytest.mark.parametrize("locale", ["C", "POSIX", "en_US.ISO-8859-1", "no_such"])
def test_a_declaration_is_read_as_utf8_in_any_locale(tmp_path, locale):
    folder = tmp_path / "cab"
    shutil.copytree(MODELS / "cab", folder)
    file = folder / "model.toml"
    lines = file.read_text(encoding="utf-8").splitlines()
    purposes = [f"purpose = '{PURPOSE}'" if line.startswith("purpose") else line for line in lines]
    file.write_text("\n".join(purposes), encoding="utf-8")
    program = (
        "from pipeline.model.folder import ModelFolder; "
        f"print(ascii(ModelFolder.load({str(folder)!r}).declaration.purpose))"
    )
    variables = os.environ | C_LOCALE | {"LC_ALL": locale, "PYTHONPATH": str(REPOSITORY)}
    command = [sys.executable, "-c", program]

    process = subprocess.run(command, env=variables, capture_output=True, text=True)

    assert process.stdout == ascii(PURPOSE) + "\n", process.stderr


def test_a_verb_that_is_in_its_venv_enters_utf8(tmp_path):
    """So do an image's processes: what libraries read and write is not ours to encode."""
    program = "import sys; print(sys.flags.utf8_mode, file=sys.stderr)"
    (tmp_path / "sitecustomize.py").write_text(program, encoding="utf-8")
    path = f"{tmp_path}:{REPOSITORY}"
    variables = os.environ | C_LOCALE | {"PYTHONPATH": path, "ESTEIRA_ENVIRONMENT": "pipeline"}
    command = [sys.executable, "-m", "pipeline", "route", "--head", "São"]

    process = subprocess.run(
        command, cwd=REPOSITORY, env=variables, capture_output=True, encoding="utf-8"
    )

    first, second, message = process.stderr.splitlines()
    assert first == "0"
    assert second == "1"
    assert "--head is 'São'" in message
