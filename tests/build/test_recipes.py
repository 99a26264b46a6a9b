"""Cloud Build's recipes, held to their promises without running them."""

import json
import re
import shlex
import subprocess

import pytest
import yaml

from environments import ENVIRONMENTS
from pipeline.__main__ import parser
from pipeline.author import BUILD
from settings import REPOSITORY, model_names, names
from tests.standins.cloud_build.recipe_file import BUILT_IN, DOCKER_IMAGE, Step, read

FOLDER = REPOSITORY / "build"
COMMIT = "c" * 40
TAG = f"{COMMIT}-7"
TARGETS = ("pipeline", "worker", "serving")  # in the order in which they are built
DEV = ENVIRONMENTS["dev"]
# What a recipe takes beside the stage and the models.
OWN = {
    "modules": {"_REQUEST": "none"},
    "promote": {"_COMMIT": COMMIT},
    "retrain": {"_REQUEST": "cab-1-2026-03-01"},
    "monitor": {"_RETRAIN": "no"},
}
SUBSTITUTION = re.compile(r"(?<!\$)\$\{?([A-Z_]+)")
every_recipe = pytest.mark.parametrize("recipe", names.RECIPES)


def text(recipe: str) -> str:
    file = FOLDER / f"{recipe}.yaml"
    return file.read_text()


def document(recipe: str) -> dict:
    return yaml.safe_load(text(recipe))


def steps(recipe: str, models: str = "all", settings=DEV) -> list[Step]:
    built_in = dict.fromkeys(BUILT_IN, "-") | {
        "COMMIT_SHA": COMMIT,
        "BUILD_ID": "7",
        "PROJECT_ID": settings.project_id,
        "LOCATION": settings.region,
    }
    own = OWN.get(recipe, {})
    substitutions = {**built_in, "_STAGE": settings.stage, "_MODELS": models, **own}
    return read(text(recipe), substitutions).steps


def commands_of_docker(verb: str, settings=DEV) -> list[tuple[str, ...]]:
    """The commands of one docker verb in the recipe of the images."""
    commands = []
    for step in steps("image", settings=settings):
        program, second, *_ = step.command
        if (program, second) == ("docker", verb):
            commands.append(step.command)
    return commands


def of_our_cli(recipe: str, models: str = "all") -> list[list[str]]:
    commands = []
    for step in steps(recipe, models):
        program, dash, module, *arguments = step.command
        if (program, dash, module) == ("python3", "-m", "pipeline"):
            commands.append(arguments)
    return commands


def test_there_is_a_recipe_a_trigger_and_a_line_of_the_readme_for_each_name():
    readme = (FOLDER / "README.md").read_text()
    rows = re.findall(r"^\| `(\w+)\.yaml` \| ", readme, re.MULTILINE)
    files = {path.stem for path in FOLDER.glob("*.yaml")}
    recipes = set(names.RECIPES)

    assert files == recipes
    assert set(rows) == recipes
    assert len(rows) == len(names.RECIPES)


@every_recipe
def test_a_recipe_takes_the_stage_the_models_and_what_is_built_in(recipe):
    variables = set(SUBSTITUTION.findall(text(recipe)))
    own = OWN.get(recipe, ())

    assert steps(recipe)
    assert variables - set(BUILT_IN) == {"_STAGE", "_MODELS", *own}


@every_recipe
def test_a_recipe_logs_to_cloud_logging_and_hides_no_missing_substitution(recipe):
    options = document(recipe)["options"]

    assert options == {"logging": "CLOUD_LOGGING_ONLY"}


@every_recipe
def test_a_recipe_ends_within_a_day_which_is_cloud_build_s_limit(recipe):
    timeout = document(recipe)["timeout"]
    seconds = int(timeout.removesuffix("s"))

    assert 600 <= seconds <= 86_400


@every_recipe
def test_a_step_is_one_command_of_ours_or_of_docker(recipe):
    for step in steps(recipe):
        program, *arguments = step.command
        plain = " ".join(step.command)
        first, *_ = arguments

        is_ours = first == "build/environment" or arguments[:2] == ["-m", "pipeline"]
        assert is_ours or program == "docker", step
        assert shlex.join(step.command) == plain, f"{step} holds what a shell would read"


@pytest.mark.parametrize("models", ["all", ",".join(model_names())])
@every_recipe
def test_every_verb_and_flag_is_one_of_the_command_line(recipe, models):
    commands = of_our_cli(recipe, models)

    assert commands
    for command in commands:
        options = parser().parse_args(command)
        assert options.env == "dev"
        assert options.models == models


@pytest.mark.parametrize("recipe", ["image", "modules"])
def test_what_is_delivered_is_the_commit_that_the_build_is_of(recipe):
    [command] = of_our_cli(recipe)
    flag = command.index("--commit")

    assert command[flag + 1] == COMMIT


@pytest.mark.parametrize("recipe", ["image", "modules", "monitor"])
def test_a_verdict_is_no_failure_of_a_build_and_nothing_follows_it(recipe):
    *_, last = steps(recipe)
    [command] = of_our_cli(recipe)

    assert command == list(last.command[3:])
    assert parser().parse_args(command).verdict_succeeds is True


def test_a_promotion_is_of_the_commit_that_is_asked_for_and_not_of_the_one_that_the_build_is_of():
    [command] = of_our_cli("promote")
    recipe = text("promote")

    assert command == ["push", "--env", "dev", "--promote", "--commit", COMMIT, "--models", "all"]
    assert "COMMIT_SHA" not in recipe


def test_an_image_s_name_is_the_one_that_the_settings_give_in_every_environment():
    [command] = of_our_cli("image")
    *_, flag, tag = command

    assert [flag, tag] == ["--tag", TAG]
    for settings in ENVIRONMENTS.values():
        images = [f"{settings.names.image(target)}:{TAG}" for target in TARGETS]
        pushed = [image for _, _, image in commands_of_docker("push", settings)]
        built = []
        for command in commands_of_docker("build", settings):
            built += options_of(command, "--tag=")

        assert pushed == images
        assert built == images


def options_of(command: tuple[str, ...], flag: str) -> list[str]:
    """The values of an option in a command."""
    return [part.removeprefix(flag) for part in command if part.startswith(flag)]


def test_images_are_made_from_the_commit_and_nothing_is_pushed_before_the_gate():
    beginnings = [" ".join(step.command[:2]) for step in steps("image")]
    builds = commands_of_docker("build")
    targets = []
    for command in builds:
        targets += options_of(command, "--target=")

    assert beginnings == [
        *["docker build"] * 4,
        *["docker push"] * 3,
        "python3 -m",
    ]
    assert targets == ["pipeline", "test", "worker", "serving"]
    for command in builds:
        assert "--file=build/Dockerfile" in command
        assert f"--build-arg=COMMIT={COMMIT}" in command


def test_the_model_contract_gates_the_modules():
    [first, last] = steps("modules", "cab")
    contract = " ".join(first.command)

    assert (
        contract == "python3 build/environment pipeline python -m pytest tests/models --models cab"
    )
    assert last.command[3] == "deliver"


def test_the_contract_is_about_the_models_that_are_named_and_refuses_others():
    name, *other_names = model_names(REPOSITORY / "models")
    [first, _] = steps("modules", name)
    *contract, _ = first.command

    wrong = run_here(*contract, "nope")
    process = run_here(*first.command, "--collect-only", "--verbose")

    assert wrong.returncode == 4
    assert "--models is 'nope', unknown is 'nope'" in wrong.stderr
    assert process.returncode == 0
    assert f"[{name}]" in process.stdout
    for other_name in other_names:
        assert f"[{other_name}]" not in process.stdout


def run_here(*command: str) -> subprocess.CompletedProcess:
    return subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)


@pytest.mark.parametrize("recipe", ["image", "modules", "promote", "retrain"])
def test_what_moves_traffic_is_told_the_build_that_it_is_in(recipe):
    """The history of traffic names the author of a change by it."""
    *_, last = steps(recipe)

    assert last.env == {BUILD: "7"}


@every_recipe
def test_the_python_of_the_recipes_is_the_images_own(recipe):
    dockerfile = (FOLDER / "Dockerfile").read_text()
    [base] = re.findall(r"^ARG BASE=(\S+)$", dockerfile, re.MULTILINE)
    builders = {step["name"] for step in document(recipe)["steps"]}

    others = {builder for builder in builders if not re.fullmatch(DOCKER_IMAGE, builder)}
    assert others == {base}


def test_the_worker_is_of_the_very_beam_that_is_locked():
    """Any stage may run its Beam parts on Dataflow, and the image is built once."""
    lock = json.loads((REPOSITORY / "Pipfile.lock").read_text())
    beam = lock["pipeline"]["apache-beam"]
    version = beam["version"].removeprefix("==")
    sdk = rf"docker\.io/apache/beam_python3\.13_sdk:{re.escape(version)}(@sha256:[0-9a-f]{{64}})?"

    sdks = {}
    for command in commands_of_docker("build"):
        [target] = options_of(command, "--target=")
        sdks[target] = options_of(command, "--build-arg=BEAM_SDK=")

    [worker_sdk] = sdks.pop("worker")
    assert re.fullmatch(sdk, worker_sdk)
    assert sdks == {"pipeline": [], "test": [], "serving": []}
