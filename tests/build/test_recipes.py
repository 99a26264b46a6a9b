"""Cloud Build's recipes, held to their promises without running them."""

import json
import re
import shlex
import subprocess

import pytest
import yaml

from environments import ENVIRONMENTS
from pipeline.__main__ import parser
from settings import REPOSITORY, model_names, names
from tests.standins.cloud_build.recipe_file import BUILT_IN, Step, read

FOLDER = REPOSITORY / "build"
COMMIT = "c" * 40
DEV = ENVIRONMENTS["dev"]
OWN = {"promote": {"_COMMIT": COMMIT}}  # what a recipe takes beside the stage and the models
NOT_THERE_YET = {"monitor"}  # verbs of a later commit
every_recipe = pytest.mark.parametrize("recipe", names.RECIPES)


def text(recipe: str) -> str:
    return (FOLDER / f"{recipe}.yaml").read_text()


def steps(recipe: str, models: str = "all", settings=DEV) -> list[Step]:
    built_in = dict.fromkeys(BUILT_IN, "-") | {
        "COMMIT_SHA": COMMIT,
        "BUILD_ID": "7",
        "PROJECT_ID": settings.project_id,
        "LOCATION": settings.region,
    }
    return read(
        text(recipe),
        {**built_in, "_STAGE": settings.stage, "_MODELS": models, **OWN.get(recipe, {})},
    ).steps


def of_our_cli(recipe: str, models: str = "all") -> list[list[str]]:
    return [
        list(step.command[3:])
        for step in steps(recipe, models)
        if step.command[:3] == ("python3", "-m", "pipeline")
    ]


def test_there_is_a_recipe_a_trigger_and_a_line_of_the_readme_for_each_name():
    table = re.findall(r"^\| `(\w+)\.yaml` \| ", (FOLDER / "README.md").read_text(), re.MULTILINE)

    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(table) == set(names.RECIPES)
    assert len(table) == len(names.RECIPES)


@every_recipe
def test_a_recipe_takes_the_stage_the_models_and_what_is_built_in(recipe):
    variables = set(re.findall(r"(?<!\$)\$\{?([A-Z_]+)", text(recipe)))

    assert steps(recipe)
    assert variables - set(BUILT_IN) == {"_STAGE", "_MODELS", *OWN.get(recipe, ())}


@every_recipe
def test_a_recipe_logs_to_cloud_logging_and_hides_no_missing_substitution(recipe):
    assert yaml.safe_load(text(recipe))["options"] == {"logging": "CLOUD_LOGGING_ONLY"}


@every_recipe
def test_a_recipe_ends_within_a_day_which_is_cloud_build_s_limit(recipe):
    assert 600 <= int(yaml.safe_load(text(recipe))["timeout"].removesuffix("s")) <= 86_400


@every_recipe
def test_a_step_is_one_command_of_ours_or_of_docker(recipe):
    for step in steps(recipe):
        program, *arguments = step.command
        assert (
            program == "docker"
            or arguments[:2] == ["-m", "pipeline"]
            or arguments[0] == "build/environment"
        ), step
        assert shlex.join(step.command) == " ".join(step.command), (
            f"{step} holds what a shell would read"
        )


@pytest.mark.parametrize("models", ["all", ",".join(model_names())])
@pytest.mark.parametrize("recipe", sorted(set(names.RECIPES) - NOT_THERE_YET))
def test_every_verb_and_flag_is_one_of_the_command_line(recipe, models):
    commands = of_our_cli(recipe, models)

    assert commands
    for command in commands:
        options = parser().parse_args(command)
        assert options.env == "dev"
        assert options.models == models


@pytest.mark.parametrize("recipe", sorted(NOT_THERE_YET))
def test_a_verb_that_is_not_there_yet_is_named(recipe, capsys):
    [command] = of_our_cli(recipe)

    with pytest.raises(SystemExit):
        parser().parse_args(command)

    assert (
        f"invalid choice: '{recipe}'" in capsys.readouterr().err
    )  # once it is there, it leaves NOT_THERE_YET


@pytest.mark.parametrize("recipe", ["image", "modules"])
def test_what_is_delivered_is_the_commit_that_the_build_is_of(recipe):
    [command] = of_our_cli(recipe)

    assert command[command.index("--commit") + 1] == COMMIT


def test_a_promotion_is_of_the_commit_that_is_asked_for_and_not_of_the_one_that_the_build_is_of():
    [command] = of_our_cli("promote")

    assert command == ["push", "--env", "dev", "--promote", "--commit", COMMIT, "--models", "all"]
    assert "COMMIT_SHA" not in text("promote")


def test_an_image_s_name_is_the_one_that_the_settings_give_in_every_environment():
    for settings in ENVIRONMENTS.values():
        tags = [
            step.command[step.command.index("build") :]
            for step in steps("image", settings=settings)
            if "build" in step.command
        ]
        built = [
            a.removeprefix("--tag=") for command in tags for a in command if a.startswith("--tag=")
        ]
        pushed = [
            step.command[2]
            for step in steps("image", settings=settings)
            if step.command[1] == "push"
        ]

        assert (
            built
            == pushed
            == [f"{settings.names.image(target)}:{COMMIT}-7" for target in ("pipeline", "serving")]
        )
        assert of_our_cli("image")[0][-2:] == ["--tag", f"{COMMIT}-7"]


def test_images_are_made_from_the_commit_and_nothing_is_pushed_before_the_gate():
    commands = [step.command for step in steps("image")]

    builds = [command for command in commands if command[1] == "build"]
    assert [command[:2] for command in commands] == [("docker", "build")] * 3 + [
        ("docker", "push")
    ] * 2 + [("python3", "-m")]
    assert all(
        {"--file=build/Dockerfile", f"--build-arg=COMMIT={COMMIT}"} <= set(command)
        for command in builds
    )
    assert [a for command in builds for a in command if "--target" in a] == [
        "--target=pipeline",
        "--target=test",
        "--target=serving",
    ]


def test_the_model_contract_gates_the_modules():
    [first, last] = steps("modules", "cab")

    assert (
        " ".join(first.command)
        == "python3 build/environment pipeline python -m pytest tests/models --models cab"
    )
    assert last.command[3] == "deliver"


def test_the_contract_is_about_the_models_that_are_named_and_refuses_others():
    name, *remaining = model_names(REPOSITORY / "models")
    [first, _] = steps("modules", name)
    wrong = subprocess.run(
        [*first.command[:-1], "nope"], cwd=REPOSITORY, capture_output=True, text=True
    )
    process = subprocess.run(
        [*first.command, "--collect-only", "--verbose"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )

    assert wrong.returncode == 4
    assert "--models is 'nope', unknown is 'nope'" in wrong.stderr
    assert process.returncode == 0
    assert f"[{name}]" in process.stdout
    assert [model for model in remaining if f"[{model}]" in process.stdout] == []


@every_recipe
def test_the_python_of_the_recipes_is_the_images_own(recipe):
    [base] = re.findall(r"^ARG BASE=(\S+)$", (FOLDER / "Dockerfile").read_text(), re.MULTILINE)

    assert {step["name"] for step in yaml.safe_load(text(recipe))["steps"]} - {
        "gcr.io/cloud-builders/docker"
    } == {base}


def test_the_image_takes_dataflow_s_worker_of_the_very_beam_that_is_locked():
    """Any stage may run its Beam parts on Dataflow, and the image is built once."""
    beam = json.loads((REPOSITORY / "Pipfile.lock").read_text())["pipeline"]["apache-beam"][
        "version"
    ].removeprefix("==")
    builds = [
        step.command
        for step in steps("image")
        if "--target=pipeline" in step.command or "--target=test" in step.command
    ]

    assert len(builds) == 2
    assert all(
        f"--build-arg=BEAM_SDK=docker.io/apache/beam_python3.13_sdk:{beam}" in build
        for build in builds
    )
