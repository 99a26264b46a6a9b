"""Synthesize every stack of every environment: cdktf.out/stacks/<stack>-<stage>/cdk.tf.json."""

from collections.abc import Mapping

from cdktf import App

from environments import ENVIRONMENTS
from infra.stacks.bootstrap import Bootstrap
from infra.stacks.delivery import Delivery
from infra.stacks.foundation import Foundation
from infra.stacks.monitoring import Monitoring
from infra.stacks.serving import Serving
from settings import Settings, model_names


def stand_up(app: App, settings: Settings, environments: Mapping[str, Settings]) -> None:
    """The five stacks of one environment; bootstrap is no one's dependency, since CI never applies it."""
    followers = [other for other in environments.values() if other.promotes_from == settings.stage]
    previous = environments[settings.promotes_from] if settings.promotes_from else None
    Bootstrap(app, settings=settings)
    foundation = Foundation(app, settings=settings, followers=followers)
    delivery = Delivery(app, settings=settings, previous=previous)
    serving = Serving(app, settings=settings, models=model_names())
    monitoring = Monitoring(app, settings=settings)
    for stack in (delivery, serving, monitoring):
        stack.add_dependency(foundation)
    monitoring.add_dependency(serving)


if __name__ == "__main__":
    app = App()
    for settings in ENVIRONMENTS.values():
        stand_up(app, settings, ENVIRONMENTS)
    app.synth()
