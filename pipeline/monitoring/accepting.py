"""Takes a person's word that a column's change is meant."""

from datetime import UTC, date, datetime, timedelta

from pipeline.author import author
from pipeline.errors import ConfigurationError
from pipeline.monitoring import acceptance
from pipeline.monitoring.acceptance import Acceptance
from pipeline.monitoring.pages.look import DAYS
from pipeline.monitoring.place import Place


def accept(place: Place, model: str, feature: str, ends_on: date, because: str) -> Acceptance:
    """Write the acceptance, and return it; raises ConfigurationError for one nobody could mean."""
    now = datetime.now(UTC)
    versions = place.versions(model, now.date() - timedelta(days=DAYS))
    columns = {
        name for version in versions if version.baseline for name in version.baseline.columns
    }
    if not columns:
        raise ConfigurationError(
            f"no version of {model} in {place.stage} has a baseline, allowed is a model that has: "
            "nothing of another one is judged"
        )
    entry = Acceptance(
        model=model,
        feature=feature,
        ends_on=ends_on,
        because=because,
        accepted_by=author(),
        accepted_at=now,
    )
    acceptance.check(entry, columns, now.date())
    place.prepare(model)
    table = place.tables(model).acceptances
    acceptance.add(place.client, table, entry)
    return entry
