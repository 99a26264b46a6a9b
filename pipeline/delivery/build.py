"""Does the work of a trigger's build with a commit.

It delivers the commit, or promotes what the stage before has of it.
"""

from pipeline.delivery.promotion import has_all, promote
from pipeline.delivery.pushed_commit import deliver
from pipeline.delivery.rollout import Rollout, Verdict


def deliver_or_promote(rollout: Rollout, models: list[str], tag: str | None) -> list[Verdict]:
    """Deliver the models of the commit, or promote them from the stage before.

    What the stage has already, in the images of the stage before, is delivered once more: that is
    a retraining.
    """
    source = rollout.source
    if source is None or has_all(rollout, source, models):
        return deliver(rollout, models, tag)
    return promote(rollout, source, models)
