"""The rules for the alerts of every stage."""

import json
import re

import pytest

from environments import ENVIRONMENTS, PROD
from pipeline.gcp import event_log
from pipeline.gcp.stage import Stage
from settings import REPOSITORY
from settings.names import EVENTS
from tests.infra.stacks.alert_filters import log_filters
from tests.standins.google.log_filter import matches

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

    assert len(links) == 12
    assert links <= headings


def test_every_chart_that_the_runbook_names_is_on_the_dashboard(synthesized):
    text = (REPOSITORY / "docs/runbook.md").read_text()
    lines = re.findall(r"Dashboard, .*", text)
    named_charts = {name for line in lines for name in re.findall(r'"([^"]+)"', line)}

    [dashboard] = synthesized.of("monitoring-prod", "google_monitoring_dashboard")

    assert len(named_charts) == 3
    for name in named_charts:
        assert f'"title": "{name}"' in json.dumps(json.loads(dashboard.dashboard_json))


def test_the_alerts_of_a_run_link_its_report(synthesized):
    link = "$${log.extracted_label.report}"

    extractors = {}
    for _, alert in synthesized.each(ALERT):
        if link in alert.documentation["content"]:
            [condition] = alert.conditions
            _, words = alert.display_name.split(": ")
            extractors[words] = condition["condition_matched_log"]["label_extractors"]

    for words in ("run failed", "not blessed"):
        assert extractors[words] == {"report": "EXTRACT(jsonPayload.report)"}


def test_alerts_reach_the_addresses_of_their_environment(synthesized):
    channels = synthesized.of("monitoring-prod", "google_monitoring_notification_channel")
    alerts = synthesized.of("monitoring-prod", ALERT)

    mails = [channel.labels["email_address"] for channel in channels]
    assert mails == list(PROD.alert_emails)
    for alert in alerts:
        assert len(alert.notification_channels) == len(mails)


def test_an_endpoint_is_idle_only_where_its_machines_stay(synthesized):
    titles = {stage: titles_of(synthesized, stage) for stage in ENVIRONMENTS}

    for stage, settings in ENVIRONMENTS.items():
        is_watched = f"{stage}: endpoint idle" in titles[stage]
        assert is_watched is settings.serving.keep_warm, stage
    kept_warm = {settings.serving.keep_warm for settings in ENVIRONMENTS.values()}
    assert kept_warm == {False, True}


def titles_of(stacks, stage):
    return {alert.display_name for alert in stacks.of(f"monitoring-{stage}", ALERT)}


def test_each_alert_asks_for_what_its_title_says(synthesized):
    conditions = {}
    for alert in synthesized.of("monitoring-prod", ALERT):
        [condition] = alert.conditions
        [kind] = [key for key in condition if key.startswith("condition_")]
        subject = SUBJECT.search(condition[kind]["filter"])
        conditions[alert.display_name] = (kind, subject.group().strip('"'))

    metrics = synthesized.by_id("monitoring-prod", "google_logging_metric")
    [verdicts] = [id_ for id_, metric in metrics.items() if metric.name == "prod/monitored"]
    assert conditions == {
        "prod: prediction errors": ("condition_threshold", "/online/response_count"),
        "prod: prediction latency": ("condition_threshold", "/online/prediction_latencies"),
        "prod: endpoint idle": ("condition_absent", "/online/prediction_count"),
        "prod: run failed": ("condition_matched_log", 'event="run_failed'),
        "prod: not blessed": ("condition_matched_log", 'event="not_blessed'),
        "prod: build failed": ("condition_matched_log", "logs/cloudbuild"),
        "prod: worse": ("condition_matched_log", 'event="worse'),
        "prod: drift": ("condition_matched_log", 'event="drift'),
        "prod: fault": ("condition_matched_log", 'event="fault'),
        "prod: log incomplete": ("condition_matched_log", 'event="log_incomplete'),
        "prod: no requests logged": ("condition_matched_log", 'event="no_requests'),
        "prod: monitor silent": (
            "condition_absent",
            f"user/${{google_logging_metric.{verdicts}.name}}",
        ),
    }


def test_the_share_of_errors_is_one_of_requests(synthesized):
    """A prediction is an instance: a failed request of a thousand would be one in a thousand."""
    alerts = {alert.display_name: alert for alert in synthesized.of("monitoring-prod", ALERT)}

    [condition] = alerts["prod: prediction errors"].conditions

    threshold = condition["condition_threshold"]
    answers = threshold["denominator_filter"]
    assert answers.endswith('/online/response_count"')
    assert threshold["filter"] == f'{answers} AND metric.labels.response_code!="2xx"'


def alerted(stacks, entry):
    """The alerts of prod that this log entry raises."""
    filters = log_filters(stacks, "prod")
    return [title for title, log_filter in filters.items() if matches(log_filter, entry)]


TITLES = {
    "not_blessed": "not blessed",
    "run_failed": "run failed",
    "drift": "drift",
    "fault": "fault",
    "worse": "worse",
    "log_incomplete": "log incomplete",
    "no_requests": "no requests logged",
}


@pytest.mark.parametrize(("event", "title"), TITLES.items())
def test_an_event_raises_its_own_alert_and_no_other(synthesized, event, title):
    stage = Stage(PROD)
    entry = event_log.entry(stage, event, "cab", report="https://reports.example/1")

    titles = alerted(synthesized, entry)

    assert titles == [f"prod: {title}"]


def test_each_event_that_is_counted_has_an_alert():
    """The morning's own event is missed by its absence."""
    assert {*TITLES, "monitored"} == set(EVENTS)


def test_the_morning_s_own_event_raises_no_alert(synthesized):
    stage = Stage(PROD)
    entry = event_log.entry(stage, "monitored", "cab")

    assert alerted(synthesized, entry) == []


@pytest.mark.parametrize(
    "title", ["worse", "drift", "fault", "log incomplete", "no requests logged"]
)
def test_an_alert_on_the_log_says_what_was_found_and_where_it_is_shown(synthesized, title):
    """Each model and finding is an incident of its own: the labels' values tell them apart."""
    alerts = {alert.display_name: alert for alert in synthesized.of("monitoring-prod", ALERT)}

    alert = alerts[f"prod: {title}"]

    [condition] = alert.conditions
    extractors = condition["condition_matched_log"]["label_extractors"]
    notice = alert.documentation["content"]
    assert set(extractors) == {"model", "sentence", "report"}
    for label, extractor in extractors.items():
        assert extractor == f"EXTRACT(jsonPayload.{label})"
        assert f"$${{log.extracted_label.{label}}}" in notice


def test_the_log_of_a_build_raises_an_alert_only_where_the_build_itself_failed(synthesized):
    """Cloud Build writes the last line of a failed build, a step writes all others."""
    log = f"projects/{PROD.project_id}/logs/cloudbuild"
    line = {"logName": log, "resource": {"type": "build"}}
    refusal = {**line, "textPayload": 'Step #1 - "deliver": cab: not blessed: it was refused'}
    failure = {**line, "textPayload": 'ERROR: build step 1 "python" failed: step exited with 3'}

    assert alerted(synthesized, refusal) == []
    assert alerted(synthesized, failure) == ["prod: build failed"]
