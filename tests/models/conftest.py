"""The models under contract: all of the team's, or those of `--models`."""

import pytest

from settings import REPOSITORY, model_names, models

TEAMS = REPOSITORY / "models"  # whatever models other tests bring


def pytest_addoption(parser: pytest.Parser) -> None:
    about = "all, or names joined by commas (default: all)"
    parser.addoption("--models", default="all", help=about)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "model" in metafunc.fixturenames:
        names = chosen_models(option(metafunc.config))
        metafunc.parametrize("model", names, indirect=True, scope="module")


def pytest_configure(config: pytest.Config) -> None:
    chosen_models(option(config))


def option(config: pytest.Config) -> str:
    """The option's value; pytest knows it only if this folder was asked for by name."""
    value = config.getoption("--models", default="all")
    return str(value)


def chosen_models(option: str) -> list[str]:
    teams = team_models()
    if option == "all":
        return teams
    names = sorted(set(option.split(",")))
    for name in names:
        if name not in teams:
            allowed = ", ".join(teams)
            raise pytest.UsageError(
                f"--models is {option!r}, unknown is {name!r}, allowed are all and {allowed}"
            )
    return names


def team_models() -> list[str]:
    """The team's models, or the one sentence that refuses a link among them."""
    try:
        return model_names(TEAMS)
    except models.ModelError as error:
        raise pytest.UsageError(str(error)) from error
