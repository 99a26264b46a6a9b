"""The alerts of a stage and their readers.

The stack holds verdicts on the request log, alerts with a page of the runbook each, a dashboard, a
budget.
"""

from cdktf_cdktf_provider_google.billing_budget import (
    BillingBudget,
    BillingBudgetAllUpdatesRule,
    BillingBudgetAmount,
    BillingBudgetAmountSpecifiedAmount,
    BillingBudgetBudgetFilter,
    BillingBudgetThresholdRules,
)
from cdktf_cdktf_provider_google.logging_metric import (
    LoggingMetric,
    LoggingMetricMetricDescriptor,
    LoggingMetricMetricDescriptorLabels,
)
from cdktf_cdktf_provider_google.monitoring_alert_policy import (
    MonitoringAlertPolicyConditions as Condition,
)
from cdktf_cdktf_provider_google.monitoring_notification_channel import (
    MonitoringNotificationChannel,
)
from constructs import Construct

from infra.constructs.alert import Alert, above, absent, in_notice, logged
from infra.constructs.dashboard import Chart, Dashboard
from infra.constructs.dataset import Dataset
from infra.constructs.tables import Days, Tables
from infra.stacks.stage_stack import StageStack
from infra.stacks.verdict_tables import ACCEPTANCES, PROFILE_DAYS, PROFILES, VERDICTS
from settings import Settings
from settings.names import EVENTS

ENDPOINT = (
    'resource.type="aiplatform.googleapis.com/Endpoint" '
    'AND metric.type="aiplatform.googleapis.com/prediction/online/'
)
PREDICTIONS = f'{ENDPOINT}prediction_count"'
# Of requests; error_count is no share of predictions, which are counted by the instance
# (https://docs.cloud.google.com/vertex-ai/docs/general/monitoring-metrics).
ANSWERS = f'{ENDPOINT}response_count"'
ERRORS = f'{ANSWERS} AND metric.labels.response_code!="2xx"'
LATENCIES = f'{ENDPOINT}prediction_latencies"'
REPLICAS = f'{ENDPOINT}replicas"'
BY_ENDPOINT, BY_MODEL = "resource.label.endpoint_id", "metric.label.model"
BUDGET_SHARES = (0.5, 0.9, 1.0)
# event, the alert's id, what it means
FINDINGS = (
    ("worse", "Worse", "A model is worse than its gate allows, or is expected to be."),
    ("drift", "Drift", "What a model is asked no longer looks like what it was trained on."),
    ("fault", "Fault", "What a model is asked is broken: a retraining would learn the fault."),
    ("log_incomplete", "Log incomplete", "The request log holds less than was answered."),
    ("no_requests", "No requests logged", "A model's request log has no new row."),
)
FOUND = f"{in_notice('model')}: {in_notice('sentence')}\n\nThe model's page: {in_notice('report')}"


class Monitoring(StageStack):
    """Each alert's id is its title and its heading in docs/runbook.md.

    The events are counted before anybody tells of them: an alert finds no metric that is new.
    """

    def __init__(self, scope: Construct, *, settings: Settings) -> None:
        super().__init__(scope, "monitoring", settings=settings)
        self._keep_verdicts()
        self.channels = [self._channel(email) for email in settings.alert_emails]
        self.metrics = {event: self._count(event) for event in EVENTS}
        self._watch_endpoints()
        self._watch_deliveries()
        self._watch_the_log()
        charts = _charts(self.metrics)
        Dashboard(self, "Dashboard", title=f"{settings.stage}: models", charts=charts)
        if settings.billing_account and settings.monthly_budget:
            self._limit_spending(settings.billing_account, settings.monthly_budget)
        incidents = self.console("monitoring/alerting")
        self.tell("alerts", incidents, "Open incidents")
        dashboards = self.console("monitoring/dashboards")
        self.tell("dashboards", dashboards, "Traffic, errors, latency and verdicts")

    def _channel(self, email: str) -> str:
        channel = MonitoringNotificationChannel(
            self,
            f"Email:{email}",
            display_name=email,
            type="email",
            labels={"email_address": email},
        )
        return str(channel.id)

    def _keep_verdicts(self) -> None:
        dataset = Dataset(
            self,
            "Verdicts",
            name=self.names.dataset("verdicts"),
            location=self.settings.region,
            description="What the monitor has counted and judged",
            deletable=self.settings.deletable,
        )
        monitor = self.names.member("monitor")
        dataset.grant("roles/bigquery.dataEditor", to=monitor)
        tables = Tables(self, dataset, deletable=self.settings.deletable)
        tables.keep("VerdictTable", "verdicts", VERDICTS, days=Days("window_end"))
        profile_days = Days("day", kept=PROFILE_DAYS)
        tables.keep("ProfileTable", "profiles", PROFILES, days=profile_days, sorted_by=["model"])
        tables.keep("AcceptanceTable", "acceptances", ACCEPTANCES)

    def _count(self, event: str) -> str:
        """Make a metric of this event by model, and return its filter."""
        label = LoggingMetricMetricDescriptorLabels(key="model", value_type="STRING")
        descriptor = LoggingMetricMetricDescriptor(
            metric_kind="DELTA", value_type="INT64", labels=[label]
        )
        metric = LoggingMetric(
            self,
            f"Metric:{event}",
            name=self.names.log_metric(event),
            filter=self._event(event),
            metric_descriptor=descriptor,
            label_extractors={"model": "EXTRACT(jsonPayload.model)"},
        )
        return f'metric.type="logging.googleapis.com/user/{metric.name}" AND resource.type="global"'

    def _event(self, event: str) -> str:
        """The filter of this event's log entries.

        Entries are written for the resource `global`, since the metrics' filters and the alerts'
        must pick the same ones.
        """
        log = f"projects/{self.settings.project_id}/logs/{self.names.event_log}"
        return f'logName="{log}" AND resource.type="global" AND jsonPayload.event="{event}"'

    def _alert(self, id_: str, what: str, condition: Condition) -> None:
        words = id_.lower()
        page = words.replace(" ", "-")
        runbook = self.settings.github.address(f"docs/runbook.md#{page}")
        title = f"{self.settings.stage}: {words}"
        Alert(
            self,
            id_.replace(" ", ""),
            title=title,
            what=what,
            condition=condition,
            runbook=runbook,
            channels=self.channels,
            stage=self.settings.stage,
        )

    def _watch_endpoints(self) -> None:
        limits = self.settings.serving
        errors = above(
            "share of errors",
            ERRORS,
            of=ANSWERS,
            limit=limits.largest_error_share,
            aligner="ALIGN_RATE",
            by=BY_ENDPOINT,
        )
        self._alert(
            "Prediction errors",
            f"More than {limits.largest_error_share:.0%} of an endpoint's answers are errors.",
            errors,
        )
        latency = above(
            "p99 in ms",
            LATENCIES,
            limit=limits.largest_p99_ms,
            aligner="ALIGN_PERCENTILE_99",
            by=BY_ENDPOINT,
        )
        self._alert(
            "Prediction latency",
            f"One answer in a hundred takes longer than {limits.largest_p99_ms} ms.",
            latency,
        )
        if limits.keep_warm:  # else nothing is deployed between deliveries, and nothing paid for
            self._watch_for_idleness()

    def _watch_for_idleness(self) -> None:
        idle = absent("no predictions", PREDICTIONS, by=BY_ENDPOINT)
        self._alert(
            "Endpoint idle",
            "An endpoint was not asked anything for a day, and its machines are paid for.",
            idle,
        )

    def _watch_deliveries(self) -> None:
        report = f"Its report, where there was a run: {in_notice('report')}"
        failed_run = logged("run failed", self._event("run_failed"), "report")
        self._alert(
            "Run failed",
            f"A pipeline run failed; the model that was serving still is. {report}",
            failed_run,
        )
        refusal = logged("not blessed", self._event("not_blessed"), "report")
        self._alert(
            "Not blessed",
            f"A candidate was refused; the model that was serving still is. {report}",
            refusal,
        )
        build_log = (
            f'logName="projects/{self.settings.project_id}/logs/cloudbuild" '
            'AND resource.type="build" AND textPayload=~"^(ERROR|TIMEOUT)"'
        )
        failed_build = logged("build failed", build_log)
        self._alert(
            "Build failed", "A recipe of Cloud Build failed or ran out of time.", failed_build
        )

    def _watch_the_log(self) -> None:
        for event, title, what in FINDINGS:
            condition = logged(title.lower(), self._event(event), "model", "sentence", "report")
            self._alert(title, f"{what} {FOUND}", condition)
        no_verdict = absent("no verdict", self.metrics["monitored"], by=BY_MODEL)
        self._alert(
            "Monitor silent",
            "Monitoring has come to no verdict on a model for a day: drift would go unseen.",
            no_verdict,
        )

    def _limit_spending(self, account: str, units: int) -> None:
        updates_rule = None
        if self.channels:
            updates_rule = BillingBudgetAllUpdatesRule(
                monitoring_notification_channels=self.channels
            )
        amount = BillingBudgetAmountSpecifiedAmount(units=str(units))
        thresholds = [
            BillingBudgetThresholdRules(threshold_percent=share) for share in BUDGET_SHARES
        ]
        project_filter = BillingBudgetBudgetFilter(
            projects=[f"projects/{self.settings.project_number}"]
        )
        BillingBudget(
            self,
            "Budget",
            billing_account=account,
            display_name=f"{self.settings.stage}: {self.settings.project_id}",
            amount=BillingBudgetAmount(specified_amount=amount),
            threshold_rules=thresholds,
            budget_filter=project_filter,
            all_updates_rule=updates_rule,
        )
        # A person's own credentials are asked for a project to bill the Budget API's calls to.
        self.provider.user_project_override = True
        self.provider.billing_project = self.settings.project_id


def _charts(metrics: dict[str, str]) -> list[Chart]:
    charts = [
        Chart("predictions a second", PREDICTIONS, "ALIGN_RATE", BY_ENDPOINT),
        Chart("errors a second", ERRORS, "ALIGN_RATE", BY_ENDPOINT),
        Chart("p99 latency", LATENCIES, "ALIGN_PERCENTILE_99", BY_ENDPOINT, "ms"),
        Chart("replicas", REPLICAS, "ALIGN_MEAN", BY_ENDPOINT),
    ]
    for event, metric in metrics.items():
        title = event.replace("_", " ")
        charts.append(Chart(title, metric, "ALIGN_DELTA", BY_MODEL))
    return charts
