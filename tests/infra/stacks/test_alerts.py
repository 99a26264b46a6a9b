"""The rules for the alerts of every environment."""

import re

from environments import PROD
from settings import REPOSITORY

ALERT = "google_monitoring_alert_policy"
SUBJECT = re.compile(r'/online/(\w+)|event="(\w+)"|logs/(cloudbuild)|user/(\S+)"')


def test_every_alert_has_its_page_in_the_runbook(synthesized):
    runbook = REPOSITORY / "docs/runbook.md"
    titles = re.findall(r"^## (.*)$", runbook.read_text(), re.MULTILINE)
    headings = {title.strip().lower().replace(" ", "-") for title in titles}

    links = set()
    for _, alert in synthesized.each(ALERT):
        link = re.search(r"runbook\.md#(\S+)", alert.documentation["content"])
        links.add(link[1])

    assert len(links) == 9
    assert links <= headings


def test_alerts_reach_the_addresses_of_their_environment(synthesized):
    channels = synthesized.of("monitoring-prod", "google_monitoring_notification_channel")
    alerts = synthesized.of("monitoring-prod", ALERT)

    mails = [channel.labels["email_address"] for channel in channels]
    assert mails == list(PROD.alert_emails)
    for alert in alerts:
        assert len(alert.notification_channels) == len(mails)


def test_each_alert_asks_for_what_its_title_says(synthesized):
    conditions = {}
    for alert in synthesized.of("monitoring-dev", ALERT):
        [condition] = alert.conditions
        [kind] = [key for key in condition if key.startswith("condition_")]
        subject = SUBJECT.search(condition[kind]["filter"])
        conditions[alert.display_name] = (kind, subject.group().strip('"'))

    metrics = synthesized.by_id("monitoring-dev", "google_logging_metric")
    [monitored] = [id_ for id_, metric in metrics.items() if metric.name == "dev/monitored"]
    assert conditions == {
        "dev: prediction errors": ("condition_threshold", "/online/error_count"),
        "dev: prediction latency": ("condition_threshold", "/online/prediction_latencies"),
        "dev: endpoint idle": ("condition_absent", "/online/prediction_count"),
        "dev: run failed": ("condition_matched_log", 'event="run_failed'),
        "dev: not blessed": ("condition_matched_log", 'event="not_blessed'),
        "dev: build failed": ("condition_matched_log", "logs/cloudbuild"),
        "dev: drift": ("condition_matched_log", 'event="drift'),
        "dev: no requests logged": ("condition_matched_log", 'event="no_requests'),
        "dev: monitor silent": (
            "condition_absent",
            f"user/${{google_logging_metric.{monitored}.name}}",
        ),
    }
