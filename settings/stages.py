"""The environments together: each has a stage of its own, and promotions lead from stage to stage from a beginning."""

from collections.abc import Iterator

from settings import Settings, SettingsError


def by_stage(*environments: Settings) -> dict[str, Settings]:
    """The environments by their stage; raises one SettingsError with all that is wrong between them."""
    found = {settings.stage: settings for settings in environments}
    if problems := list(_order_problems(environments, found)):
        raise SettingsError("; ".join(problems))
    return found


def _order_problems(
    environments: tuple[Settings, ...], found: dict[str, Settings]
) -> Iterator[str]:
    for stage in found:
        if (count := sum(settings.stage == stage for settings in environments)) > 1:
            yield f"stage is {stage!r} in {count} environments, allowed is one"
    for settings in environments:
        if settings.promotes_from is not None and settings.promotes_from not in found:
            yield f"environment {settings.stage}: promotes_from is {settings.promotes_from!r}, allowed are {', '.join(found)}"
        seen, at = [settings.stage], settings.promotes_from
        while at in found and at not in seen:
            seen, at = [*seen, at], found[at].promotes_from
        if at == settings.stage:
            yield f"environment {settings.stage}: promotes_from leads back to it by {', '.join(seen)}, allowed is an order with a beginning"
