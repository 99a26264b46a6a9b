"""An alert: a condition, its page of the runbook, and its channels.

A person should hear of the condition, and the page says what to do.
"""

from collections.abc import Sequence

from cdktf_cdktf_provider_google.monitoring_alert_policy import (
    MonitoringAlertPolicy,
    MonitoringAlertPolicyAlertStrategy,
    MonitoringAlertPolicyAlertStrategyNotificationRateLimit,
    MonitoringAlertPolicyConditionsConditionAbsent,
    MonitoringAlertPolicyConditionsConditionAbsentAggregations,
    MonitoringAlertPolicyConditionsConditionMatchedLog,
    MonitoringAlertPolicyConditionsConditionThreshold,
    MonitoringAlertPolicyConditionsConditionThresholdAggregations,
    MonitoringAlertPolicyConditionsConditionThresholdDenominatorAggregations,
    MonitoringAlertPolicyDocumentation,
)
from cdktf_cdktf_provider_google.monitoring_alert_policy import (
    MonitoringAlertPolicyConditions as Condition,
)
from constructs import Construct

WINDOW_SECONDS = 300
LONGEST_ABSENCE_SECONDS = 84_600  # that Cloud Monitoring sees: 23.5 hours
HOURLY = MonitoringAlertPolicyAlertStrategyNotificationRateLimit(period="3600s")
EVERY_MATCH = MonitoringAlertPolicyAlertStrategy(
    notification_rate_limit=HOURLY, auto_close="86400s"
)


class Alert(Construct):
    """One condition, one page of the runbook."""

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        title: str,
        what: str,
        condition: Condition,
        runbook: str,
        channels: Sequence[str],
        stage: str,
    ) -> None:
        super().__init__(scope, id_)
        page = MonitoringAlertPolicyDocumentation(
            content=f"{what}\n\nWhat to do: {runbook}", mime_type="text/markdown"
        )
        # Cloud Monitoring wants a rate limit for matched log entries alone, and refuses others.
        strategy = EVERY_MATCH if condition.condition_matched_log else None
        self.resource = MonitoringAlertPolicy(
            self,
            "Resource",
            display_name=title,
            combiner="OR",
            conditions=[condition],
            documentation=page,
            notification_channels=list(channels),
            alert_strategy=strategy,
            user_labels={"environment": stage, "managed-by": "esteira"},
        )


def above(
    title: str, metric_filter: str, *, limit: float, aligner: str, by: str, of: str | None = None
) -> Condition:
    """Fire when the metric stays above `limit` for five minutes, for one value of the label `by`.

    With `of`, the metric is first divided by the metric `of`.
    """
    reducer = "REDUCE_MAX" if "PERCENTILE" in aligner else "REDUCE_SUM"
    parts = {
        "alignment_period": f"{WINDOW_SECONDS}s",
        "per_series_aligner": aligner,
        "cross_series_reducer": reducer,
        "group_by_fields": [by],
    }
    aggregation = MonitoringAlertPolicyConditionsConditionThresholdAggregations(**parts)
    denominator = MonitoringAlertPolicyConditionsConditionThresholdDenominatorAggregations(**parts)
    condition = MonitoringAlertPolicyConditionsConditionThreshold(
        filter=metric_filter,
        denominator_filter=of,
        comparison="COMPARISON_GT",
        threshold_value=limit,
        duration=f"{WINDOW_SECONDS}s",
        aggregations=[aggregation],
        denominator_aggregations=[denominator] if of else None,
    )
    return Condition(display_name=title, condition_threshold=condition)


def absent(title: str, metric_filter: str, *, by: str) -> Condition:
    """Fire when the metric has no point for 23.5 hours, for one value of the label `by`.

    Only a metric that has had a point can be absent.
    """
    aggregation = MonitoringAlertPolicyConditionsConditionAbsentAggregations(
        alignment_period="3600s",
        per_series_aligner="ALIGN_DELTA",
        cross_series_reducer="REDUCE_SUM",
        group_by_fields=[by],
    )
    duration = f"{LONGEST_ABSENCE_SECONDS}s"
    condition = MonitoringAlertPolicyConditionsConditionAbsent(
        filter=metric_filter, duration=duration, aggregations=[aggregation]
    )
    return Condition(display_name=title, condition_absent=condition)


def logged(title: str, log_filter: str, *labels: str) -> Condition:
    """Fire when a log entry matches, at most once an hour for one set of the labels' values.

    `labels` are fields of the entry's payload that the documentation shows: `in_notice` names one.
    """
    extractors = {label: f"EXTRACT(jsonPayload.{label})" for label in labels}
    match = MonitoringAlertPolicyConditionsConditionMatchedLog(
        filter=log_filter, label_extractors=extractors or None
    )
    return Condition(display_name=title, condition_matched_log=match)


def in_notice(label: str) -> str:
    """Return the place in an alert's documentation that shows a logged label's value.

    cloud.google.com/monitoring/alerts/doc-variables; Terraform reads a doubled dollar as one, and a
    single one as an interpolation of its own.
    """
    return f"$${{log.extracted_label.{label}}}"
