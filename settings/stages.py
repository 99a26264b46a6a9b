"""The entries of environments.py together.

Each has a stage of its own. Promotions lead from stage to stage from a beginning.
"""

from collections.abc import Iterator

from settings import Settings, SettingsError


def by_stage(*environments: Settings) -> dict[str, Settings]:
    """The entries by their stage.

    Raises one SettingsError with all that is wrong between them.
    """
    stages = {settings.stage: settings for settings in environments}
    if problems := list(_order_problems(environments, stages)):
        raise SettingsError("; ".join(problems))
    return stages


def _order_problems(
    environments: tuple[Settings, ...], stages: dict[str, Settings]
) -> Iterator[str]:
    for stage in stages:
        if (count := sum(settings.stage == stage for settings in environments)) > 1:
            yield f"stage is {stage!r} in {count} environments, allowed is one"
    for settings in environments:
        if settings.promotes_from is not None and settings.promotes_from not in stages:
            yield (
                f"environment {settings.stage}: promotes_from is {settings.promotes_from!r}, "
                f"allowed are {', '.join(stages)}"
            )
        path, source = [settings.stage], settings.promotes_from
        while source in stages and source not in path:
            path, source = [*path, source], stages[source].promotes_from
        if source == settings.stage:
            yield (
                f"environment {settings.stage}: "
                f"promotes_from leads back to it by {', '.join(path)}, "
                "allowed is an order with a beginning"
            )
