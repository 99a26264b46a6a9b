"""The counters of a group of instances: their names, and their SQL over binned instances.

In SQL a column is named by its place: b is its bin, n its number, j its JSON, v its text and l its
logarithm; p is the cell of a pair.
"""

from pipeline.baseline.profile import SCORE_BINS
from pipeline.monitoring.log.layout import Layout, ServedColumn

MISSING, MISTYPED, OTHER = -1, -2, -3  # in place of a bin


def counters(layout: Layout) -> dict[str, str]:
    """The whole numbers of a group of instances: name, and SQL."""
    of_group = {
        "instances": "COUNTIF(is_own)",
        "unparsable": "COUNTIF(size > 0 AND object IS NULL AND NOT is_smoke)",
        "foreign": "COUNTIF(object IS NOT NULL AND NOT is_own)",
        "unanswered": "COUNTIF(is_own AND score IS NULL)",
        "smoke": "COUNTIF(is_smoke)",
    }
    for column in layout.columns.values():
        of_group |= _column_counters(column)
    for place, cells in enumerate(layout.pair_cells):
        of_group |= {f"p{place}.{cell}": f"COUNTIF(p{place} = {cell})" for cell in range(cells)}
    bins = range(SCORE_BINS)
    return of_group | {f"score.{place}": f"COUNTIF(score_bin = {place})" for place in bins}


def sums(layout: Layout) -> dict[str, str]:
    """The other numbers of a group of instances: name, and SQL.

    An instance is a part of its request, so that the requests of all groups add up.
    """
    of_group = {
        "requests": "SUM(IF(is_smoke, 0, 1 / GREATEST(size, 1)))",
        "request_squares": "SUM(IF(is_own, size, 0))",
    }
    for column in layout.columns.values():
        # A single instance's logarithm would be its number.
        if column.is_number and not column.personal:
            place = column.place
            of_group[f"c{place}.log_sum"] = f"IFNULL(SUM(l{place}), 0)"
            of_group[f"c{place}.log_square_sum"] = f"IFNULL(SUM(l{place} * l{place}), 0)"
    return of_group


def named_columns(layout: Layout) -> list[ServedColumn]:
    """Those whose other values may be named."""
    return [
        column for column in layout.columns.values() if column.is_category and not column.personal
    ]


def _column_counters(column: ServedColumn) -> dict[str, str]:
    place = column.place
    bins = {
        "missing": MISSING,
        "mistyped": MISTYPED,
        "other": OTHER,
        **{str(index): index for index in range(column.named)},
    }
    parts = {f"c{place}.{name}": f"COUNTIF(b{place} = {bin_})" for name, bin_ in bins.items()}
    if column.is_number and not column.personal:
        parts[f"c{place}.positive"] = f"COUNT(l{place})"
    if column.is_number:
        parts[f"c{place}.whole"] = f"COUNTIF(n{place} = FLOOR(n{place}))"
        parts[f"c{place}.distinct_numbers"] = f"APPROX_COUNT_DISTINCT(n{place})"
    if column.is_category:
        parts[f"c{place}.distinct_texts"] = f"APPROX_COUNT_DISTINCT(v{place})"
    return parts
