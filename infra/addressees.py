"""Who is told of a stage's alerts: the doctor, the plan and its comment say where nobody is."""

from settings import Settings


def gap(settings: Settings) -> str:
    """Say that nobody is told, or nothing."""
    if settings.alert_emails:
        return ""
    return (
        f"alert_emails of {settings.stage} is empty: "
        "nobody hears of a failed run, a refused model or drift"
    )
