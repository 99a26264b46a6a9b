"""An alert: the condition that a person should hear of, the page of the runbook that says what to do, and where it is sent."""

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
    MonitoringAlertPolicyDocumentation,
)
from cdktf_cdktf_provider_google.monitoring_alert_policy import MonitoringAlertPolicyConditions as Condition
from constructs import Construct

ABSENCE_LIMIT_SECONDS = 84_600  # Cloud Monitoring's longest: 23.5 hours
EVERY_MATCH = MonitoringAlertPolicyAlertStrategy(
    notification_rate_limit=MonitoringAlertPolicyAlertStrategyNotificationRateLimit(period="3600s"), auto_close="86400s"
)


class Alert(Construct):
    """One condition, one page of the runbook."""

    def __init__(
        self, scope: Construct, id_: str, *, title: str, what: str, condition: Condition, runbook: str, channels: Sequence[str], stage: str
    ) -> None:
        super().__init__(scope, id_)
        self.resource = MonitoringAlertPolicy(
            self,
            "Resource",
            display_name=title,
            combiner="OR",
            conditions=[condition],
            documentation=MonitoringAlertPolicyDocumentation(content=f"{what}\n\nWhat to do: {runbook}", mime_type="text/markdown"),
            notification_channels=list(channels),
            # Cloud Monitoring wants a rate limit for matched log entries, and takes it for nothing else.
            alert_strategy=EVERY_MATCH if condition.condition_matched_log else None,
            user_labels={"environment": stage, "managed-by": "esteira"},
        )


def above(title: str, metric_filter: str, *, limit: float, aligner: str, period_seconds: int = 300) -> Condition:
    """The metric, aligned over `period_seconds`, is above `limit` for that long."""
    aggregation = MonitoringAlertPolicyConditionsConditionThresholdAggregations(
        alignment_period=f"{period_seconds}s", per_series_aligner=aligner, cross_series_reducer="REDUCE_MAX", group_by_fields=[]
    )
    return Condition(
        display_name=title,
        condition_threshold=MonitoringAlertPolicyConditionsConditionThreshold(
            filter=metric_filter,
            comparison="COMPARISON_GT",
            threshold_value=limit,
            duration=f"{period_seconds}s",
            aggregations=[aggregation],
        ),
    )


def absent(title: str, metric_filter: str, *, seconds: int = ABSENCE_LIMIT_SECONDS) -> Condition:
    """The metric has said nothing for so long."""
    if not 60 <= seconds <= ABSENCE_LIMIT_SECONDS:
        raise ValueError(f"seconds is {seconds}, allowed are 60 to {ABSENCE_LIMIT_SECONDS}")
    aggregation = MonitoringAlertPolicyConditionsConditionAbsentAggregations(
        alignment_period="3600s", per_series_aligner="ALIGN_DELTA", cross_series_reducer="REDUCE_SUM"
    )
    condition = MonitoringAlertPolicyConditionsConditionAbsent(filter=metric_filter, duration=f"{seconds}s", aggregations=[aggregation])
    return Condition(display_name=title, condition_absent=condition)


def logged(title: str, log_filter: str) -> Condition:
    """A log entry matches, at most one notice an hour."""
    return Condition(display_name=title, condition_matched_log=MonitoringAlertPolicyConditionsConditionMatchedLog(filter=log_filter))
