"""The stacks of a stage, and how they hang together."""

from collections.abc import Mapping

from cdktf import App

from infra.stacks.bootstrap import Bootstrap
from infra.stacks.delivery import Delivery
from infra.stacks.foundation import Foundation
from infra.stacks.monitoring import Monitoring
from infra.stacks.serving import Serving
from settings import Settings, model_names


def stand_up(
    app: App,
    settings: Settings,
    environments: Mapping[str, Settings],
    models: list[str] | None = None,
) -> None:
    """Make the five stacks of one stage.

    No other depends on bootstrap, which CI never applies.
    """
    followers = [later for later in environments.values() if later.promotes_from == settings.stage]
    previous = None
    if settings.promotes_from:
        previous = environments[settings.promotes_from]
    Bootstrap(app, settings=settings)
    foundation = Foundation(app, settings=settings, followers=followers)
    delivery = Delivery(app, settings=settings, previous=previous)
    served_models = model_names() if models is None else models
    serving = Serving(app, settings=settings, models=served_models)
    monitoring = Monitoring(app, settings=settings)
    for stack in (delivery, serving, monitoring):
        stack.add_dependency(foundation)
    monitoring.add_dependency(serving)
