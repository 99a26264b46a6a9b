"""What the monitor will judge of a model's requests, by its baseline."""

from pathlib import Path
from typing import Any

from pipeline.baseline import content
from pipeline.baseline.content import Column
from pipeline.errors import RunError
from pipeline.reports.run_metadata import RunMetadata

Json = dict[str, Any]


def monitoring(metadata: RunMetadata) -> Json | None:
    """The baseline's blocks and columns, the most important first; None without the node's output.

    `problem` is why there is no baseline, and then all that is known.
    """
    artifact = metadata.artifact("Baseline", "baseline")
    if artifact is None:
        return None
    problem = artifact.get_string_custom_property("problem")
    if problem:
        return {"problem": problem}
    files = metadata.files("Baseline", "baseline", content.NAME)
    if files is None:
        return {"problem": f"{artifact.uri} is gone"}
    file = Path(files.uri) / content.NAME
    try:
        baseline = content.decode(file.read_bytes(), artifact.uri)
    except (RunError, FileNotFoundError) as error:
        return {"problem": str(error)}
    columns = [_column(name, column) for name, column in baseline.columns.items()]
    columns.sort(key=lambda column: -(column["importance"] or 0.0))
    return {
        "problem": None,
        "rows": baseline.reference.instances,
        "window_days": baseline.window_days,
        "blocks": baseline.blocks.count,
        "why_no_blocks": baseline.blocks.why_none,
        "columns": columns,
    }


def _column(name: str, column: Column) -> Json:
    return {
        "name": name,
        "importance": column.importance,
        "limit": column.limit if column.unjudged is None else None,
        "unjudged": column.unjudged,
    }
