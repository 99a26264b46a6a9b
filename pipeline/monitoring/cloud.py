"""A stage in the cloud, as the monitor sees it: its endpoints, its log, its measurements."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

from google.api_core.exceptions import NotFound

from pipeline.baseline.content import Baseline
from pipeline.delivery import history, record_object
from pipeline.delivery.history import Change
from pipeline.delivery.record import Delivery
from pipeline.errors import RunError
from pipeline.gcp import browser, event_log
from pipeline.gcp.clients import patiently
from pipeline.gcp.endpoints import endpoint_of, measured
from pipeline.gcp.protocols import BigQuery
from pipeline.gcp.stage import Stage
from pipeline.monitoring import baselines, cloud_retraining
from pipeline.monitoring.completeness import Answered
from pipeline.monitoring.log import upkeep
from pipeline.monitoring.place import Span, Tables, Version, baseline_or_problem
from pipeline.monitoring.retraining import Wish
from pipeline.monitoring.verdicts import midnight
from settings.artifacts import PAGES, REPORTS

HTML = "text/html; charset=utf-8"
SUM = "ALIGN_DELTA"  # of counts, over a whole window


class Cloud:
    """Implements Place for a stage; what it lacks there, Terraform makes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    @property
    def stage(self) -> str:
        return self._stage.name

    @property
    def runbook(self) -> str | None:
        return self._stage.settings.github.address("docs/runbook.md")

    @property
    def client(self) -> BigQuery:
        return self._stage.bigquery

    @property
    def kept_days(self) -> int:
        return self._stage.settings.request_log.retention_days

    @property
    def sampling_rate(self) -> float | None:
        return self._stage.settings.request_log.sampling_rate

    @property
    def verdicts(self) -> str:
        return f"{self._dataset('verdicts')}.verdicts"

    def _dataset(self, purpose: str) -> str:
        return f"{self._stage.project}.{self._stage.names.dataset(purpose)}"

    def tables(self, model: str) -> Tables:
        log = self._stage.names.request_table(model)
        verdicts = self._dataset("verdicts")
        return Tables(
            log=f"{self._dataset('requests')}.{log}",
            profiles=f"{verdicts}.profiles",
            acceptances=f"{verdicts}.acceptances",
            outcomes=self._dataset("data"),
        )

    def prepare(self, model: str) -> None:
        """Terraform has made the tables."""

    def keep_log(self, model: str, baselines: Sequence[Baseline]) -> list[str]:
        """Renew the readers' view, and let go of rows that are too old."""
        tables = self.tables(model)
        log = upkeep.Log(
            model=model,
            table=tables.log,
            view=f"{self._dataset('views')}.{model}",
            profiles=tables.profiles,
            retention_days=self.kept_days,
        )
        return upkeep.keep(self.client, log, baselines)

    def versions(self, model: str, since: date) -> list[Version]:
        """Those that were on a machine since that day, the oldest first.

        None where no delivery is recorded: a release that goes on is not watched yet.
        """
        recorded_model = record_object.read(self._stage).models.get(model)
        if recorded_model is None:
            return []
        changes = history.read(self._stage, model)
        deployed = endpoint_of(self._stage, model).versions()
        deliveries = {delivery.registry_version: delivery for delivery in recorded_model.deliveries}
        numbers = {**_numbers(changes, deliveries, midnight(since)), **deployed}
        by_age = sorted(numbers.items(), key=lambda entry: int(entry[1]))
        return [
            self._version(model, id_, number, changes, deliveries.get(number))
            for id_, number in by_age
        ]

    def _version(
        self,
        model: str,
        id_: str,
        number: str,
        changes: Sequence[Change],
        delivery: Delivery | None,
    ) -> Version:
        baseline, problem = self._baseline(model, number)
        return Version(
            id=id_,
            number=number,
            baseline=baseline,
            problem=problem,
            spans=spans(number, changes, delivery),
            report=self._run_report(model, delivery) if delivery else None,
        )

    def _baseline(self, model: str, number: str) -> tuple[Baseline | None, str]:
        """The version's baseline, or why there is none."""
        try:
            return baseline_or_problem(lambda: baselines.there(self._stage, model, number))
        except RunError as error:
            if not isinstance(error.__cause__, NotFound):
                raise
            return None, f"version {number} is in the model registry no more: release another one"

    def _run_report(self, model: str, delivery: Delivery) -> str:
        _, _, run_id = delivery.run.rpartition("/")
        return browser.address(self._stage, f"{REPORTS}{model}/{run_id}/report.html")

    def answered(self, model: str, id_: str, begin: date, end: date) -> Answered | None:
        """The requests that were answered well, or the instances where those are not counted.

        Nobody says whether prediction_count has failed instances, too: they are subtracted, and at
        worst too few rows are expected of the log.
        """
        endpoint = endpoint_of(self._stage, model)
        began, ended = midnight(begin), midnight(end) + timedelta(days=1)

        def total(metric: str, **labels: str) -> float:
            points = measured(endpoint, id_, began, metric, SUM, ended=ended, labels=labels)
            return sum(points)

        if requests := total("response_count", response_code="2xx"):
            return Answered(requests, "requests")
        instances = total("prediction_count") - total("error_count")
        return Answered(max(0.0, instances), "instances")

    def tell(
        self, event: str, model: str, key: str, at: datetime, facts: Mapping[str, str]
    ) -> None:
        event_log.tell_once(self._stage, event, model, key=key, at=at.astimezone(UTC), **facts)

    def ask_for_retraining(self, wish: Wish) -> str:
        return cloud_retraining.ask(self._stage, wish)

    def page(self, name: str) -> str:
        return browser.address(self._stage, f"{PAGES}{name}.html")

    def keep_page(self, name: str, content: str) -> None:
        blob = self._stage.artifacts.blob(f"{PAGES}{name}.html")
        with self._stage.asking_bucket():
            patiently(lambda: blob.upload_from_string(content, content_type=HTML))


def _numbers(
    changes: Sequence[Change], deliveries: dict[str, Delivery], since: datetime
) -> dict[str, str]:
    """Map deployed models to versions: those that a change since then names, or the one before."""
    recent = [change for change in changes if change.at >= since]
    earlier = [change for change in changes if change.at < since]
    numbers = {
        delivery.deployed_model: version
        for version, delivery in deliveries.items()
        if delivery.deployed_model
    }
    for change in [*earlier[-1:], *recent]:
        numbers |= change.deployed
    return numbers


def spans(number: str, changes: Sequence[Change], delivery: Delivery | None) -> tuple[Span, ...]:
    """When the version had traffic; since its delivery where no change was ever noted."""
    if not changes:
        return (Span(begin=delivery.delivered_at),) if delivery else ()
    ends: list[datetime | None] = [change.at for change in changes[1:]]
    with_ends = zip(changes, [*ends, None], strict=True)
    return tuple(
        Span(begin=change.at, end=end) for change, end in with_ends if number in change.shares
    )
