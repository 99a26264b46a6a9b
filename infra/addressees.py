"""The addressees of a stage's alerts: doctor, plan and comment say if there are none."""

from settings import Settings


def gap(settings: Settings) -> str:
    """Return a sentence on a stage without addressees, or an empty text."""
    if settings.alert_emails:
        return ""
    return (
        f"alert_emails of {settings.stage} is empty: "
        "nobody hears of a failed run, a refused model or drift"
    )
