"""A page of charts in Cloud Monitoring."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cdktf_cdktf_provider_google.monitoring_dashboard import MonitoringDashboard
from constructs import Construct

COLUMNS, WIDTH, HEIGHT = 12, 6, 4
CHARTS_A_ROW = COLUMNS // WIDTH


@dataclass(frozen=True)
class Chart:
    """A line for each value of the label `by`.

    The metric is the one that `filter` picks.
    """

    title: str
    filter: str
    aligner: str
    by: str
    unit: str = "1"


class Dashboard(Construct):
    """The charts, two in a row."""

    def __init__(self, scope: Construct, id_: str, *, title: str, charts: Sequence[Chart]) -> None:
        super().__init__(scope, id_)
        tiles = [_tile(index, chart) for index, chart in enumerate(charts)]
        page = {"displayName": title, "mosaicLayout": {"columns": COLUMNS, "tiles": tiles}}
        page_json = json.dumps(page, sort_keys=True)
        self.resource = MonitoringDashboard(self, "Resource", dashboard_json=page_json)


def _tile(index: int, chart: Chart) -> dict[str, Any]:
    row, column = divmod(index, CHARTS_A_ROW)
    reducer = "REDUCE_MAX" if "PERCENTILE" in chart.aligner else "REDUCE_SUM"
    aggregation = {
        "alignmentPeriod": "300s",
        "perSeriesAligner": chart.aligner,
        "crossSeriesReducer": reducer,
        "groupByFields": [chart.by],
    }
    query = {
        "timeSeriesFilter": {"filter": chart.filter, "aggregation": aggregation},
        "unitOverride": chart.unit,
    }
    line = {"timeSeriesQuery": query, "plotType": "LINE"}
    widget = {"title": chart.title, "xyChart": {"dataSets": [line]}}
    return {
        "xPos": column * WIDTH,
        "yPos": row * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "widget": widget,
    }
