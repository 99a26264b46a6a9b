"""A verdict for people at a terminal, and for machines."""

from dataclasses import asdict
from typing import Any

from pipeline.monitoring.quality import live
from pipeline.monitoring.verdicts import Row


def line(row: Row) -> str:
    """The verdict's sentence, with what is accepted and where the page is."""
    verdict = row.verdict
    version = f"version {row.version}" if row.version else verdict.deployed_model_id
    line = f"{verdict.model}: {version}: {verdict.kind}: {verdict.sentence}"
    notes = [f"\n  {finding.accepted}" for finding in verdict.findings if finding.accepted]
    retraining = f"\n  {row.retraining}" if row.retraining else ""
    page = f"\n  page: {row.report}" if row.report else ""
    return "".join([line, *notes, retraining, page])


def as_json(row: Row) -> dict[str, Any]:
    """The verdict for machines: times and days as text."""
    values = asdict(row.verdict)
    kind = values.pop("kind")
    return {
        **values,
        "begin": row.verdict.begin.isoformat(),
        "end": row.verdict.end.isoformat(),
        "verdict": kind,
        "version": row.version,
        "retraining": row.retraining,
        "page": row.report,
        "needs_someone": row.verdict.needs_someone,
        "quality": live.as_json(row.verdict.quality),
    }
