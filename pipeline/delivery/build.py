"""Does the work of a trigger's build with a commit.

It delivers the commit, or promotes what the stage before has of it.
"""

from pipeline.delivery.deliver import deliver
from pipeline.delivery.promote import is_there, promote
from pipeline.delivery.rollout import Verdict
from pipeline.progress import Observer
from settings import Settings


def deliver_or_promote(
    settings: Settings,
    source: Settings | None,
    commit: str,
    models: list[str],
    tag: str | None,
    observer: Observer,
) -> list[Verdict]:
    """Deliver the commit, or promote it from `source`.

    `source` is the stage that `settings` promotes from. What the stage has already, in the images
    of the stage before, is delivered once more: that is a retraining.
    """
    if source is None or is_there(source, settings, commit, models):
        return deliver(settings, commit, models, tag, observer)
    return promote(source, settings, commit, models, observer)
