"""The stage of a command's --env."""

from infra.errors import UsageError
from settings import Settings, SettingsError
from settings.stages import environments


def chosen_stage(stage: str) -> Settings:
    """Return the settings of the stage; raises UsageError for any other name or wrong values."""
    try:
        stages = environments()
    except SettingsError as error:
        raise UsageError(f"environments.py: {error}") from None
    if stage not in stages:
        allowed = ", ".join(stages)
        raise UsageError(f"env is {stage!r}, allowed are {allowed}")
    return stages[stage]
