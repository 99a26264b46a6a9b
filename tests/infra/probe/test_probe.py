"""Each probe tells the project's own answer, whichever it is."""

import json
import re
import threading

import pytest

from infra.doctor import calls
from infra.probe import __main__ as probe
from infra.probe.probes import PROBES
from settings import REPOSITORY
from tests.infra.doctor.conftest import DEV, Capture, Machine
from tests.infra.probe.conftest import (
    ENDPOINT,
    MODEL,
    MODULE,
    NAMES,
    PAGE,
    RECORD,
    Change,
    probed,
    unknown,
    withheld,
)
from tests.standins.google.apis import Request

REQUESTS_TABLES = (
    f"/big_query/v2/projects/{DEV.project_id}/datasets/{NAMES.dataset('requests')}/tables"
)
# of the document's table; the last cell is the team's
ROW = re.compile(r"^\| `([\w-]+)` \| (.+) \| (.+) \| .+ \|$", re.MULTILINE)
BILLED = [probe.name for probe in PROBES if probe.billed]


def unpartition(here: Machine) -> None:
    """Have Vertex make the stage's log table again."""
    here.delete(f"{REQUESTS_TABLES}/cab")
    here.google.unknowns.log_is_partitioned = False
    here.post(f"{ENDPOINT}:predict", {"instances": [{"fare": 1}]})


OTHERWISE: dict[str, Change] = {
    "log-partitioned": unpartition,
    "builder-calls": withheld(RECORD, calls.DELETE),
    "pipeline-calls": withheld(MODULE, calls.GET),
    "server-calls": withheld(MODEL, calls.GET),
    "monitor-calls": withheld(PAGE, calls.CREATE),
    "untagged-image": unknown(deletes_untagged_images=False),
    "message-recipe": unknown(reads_named_branch=False),
    "message-recipe-without-revision": unknown(refuses_missing_revision=False),
    "log-table-made-before": unknown(takes_older_table=False),
    "log-errors": unknown(logs_errors=True),
    "log-request-id": unknown(unique_request_ids=False),
    "log-row-key": unknown(logs_row_keys=False),
    "log-parameters": unknown(logs_parameters=True),
    "log-delay": unknown(log_delay_seconds=0.8),
}


def test_each_probe_is_answered_both_ways() -> None:
    assert list(OTHERWISE) == [probe.name for probe in PROBES]


def test_a_project_that_does_as_is_assumed_passes(stage: Machine, capsys: Capture) -> None:
    code, answers = probed(capsys, "--yes")

    for answer in answers.values():
        assert answer.state == "as assumed", answer
    assert list(answers) == [probe.name for probe in PROBES]
    assert code == 0


@pytest.mark.parametrize("name", OTHERWISE)
def test_the_other_answer_is_told_with_what_follows(
    stage: Machine, name: str, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    [only] = [probe for probe in PROBES if probe.name == name]
    monkeypatch.setattr(probe, "PROBES", [only])
    _, assumed_answers = probed(capsys, "--yes")
    change = OTHERWISE[name]
    change(stage)

    code, answers = probed(capsys, "--yes")

    assert code == 3
    answer = answers[name]
    assert answer.state == "wrong"
    assert answer.detail != assumed_answers[name].detail
    assert answer.consequence == only.consequence


def test_what_is_billed_waits_for_a_yes(stage: Machine, capsys: Capture) -> None:
    code, answers = probed(capsys)

    states = {name: answer.state for name, answer in answers.items()}
    unknown_names = [name for name, state in states.items() if state == "unknown"]
    assert unknown_names == BILLED
    assert "yes=1" in answers["log-delay"].detail
    assert code == 1
    paths = [path for _, path, _ in stage.google.requests if ":deployModel" in path]
    assert paths == [f"{ENDPOINT}:deployModel"]  # the stage's own


def test_costs_are_said_first(stage: Machine, capsys: Capture) -> None:
    probe.main(["--env", "dev"])

    images, _, endpoints, *_ = capsys.readouterr().err.splitlines()
    assert images == (
        "untagged-image: makes an image repository with an image of some bytes, for a minute"
    )
    assert endpoints.startswith("log-table-made-before, ")
    assert endpoints.endswith(
        ": would make, with yes=1, two endpoints with one n1-standard-2 each and two log tables, "
        "for about an hour, of which Google bills the machines"
    )


class Listening(list[Request]):
    """The stand-in's requests, and what standard error held at the first of them."""

    def __init__(self, capsys: Capture) -> None:
        super().__init__()
        self._capsys = capsys
        self.sentences: list[str] = []

    def append(self, request: Request) -> None:
        if not self:
            self.sentences = self._capsys.readouterr().err.splitlines()
        super().append(request)


def test_costs_are_said_before_anything_is_asked(stage: Machine, capsys: Capture) -> None:
    requests = Listening(capsys)
    stage.google.requests = requests

    probe.main(["--env", "dev", "--yes"])

    *costs, first_question = requests.sentences
    assert len(costs) == 3
    assert "of which Google bills the machines" in costs[-1]
    assert first_question == "asking log-partitioned"


def test_an_interrupt_before_the_first_question_has_made_nothing(
    stage: Machine, capsys: Capture
) -> None:
    stage.google.requests.clear()
    interrupt = threading.Event()
    interrupt.set()

    result = probe.probed(DEV, interrupt, yes=True)

    assert result.code == probe.INTERRUPTED
    assert stage.google.requests == []


def test_the_endpoints_are_made_once_for_all_probes(stage: Machine, capsys: Capture) -> None:
    stage.google.requests.clear()
    stage.google.unknowns.log_delay_seconds = 3600  # so that no probe is answered

    code, answers = probed(capsys, "--yes")

    paths = [path for _, path, _ in stage.google.requests if ":deployModel" in path]
    assert len(paths) == 2
    assert answers["log-delay"].detail.startswith("no row came within")
    assert code == 1


def test_the_answer_is_a_line_with_its_assumption_where_that_is_wrong(
    stage: Machine, capsys: Capture
) -> None:
    stage.google.unknowns.deletes_untagged_images = False

    probe.main(["--env", "dev"])

    lines = capsys.readouterr().out.splitlines()
    [line] = [line for line in lines if "untagged-image" in line]
    assert line == (
        "wrong: untagged-image: deleting an untagged image was answered with 400; assumed is: "
        "an untagged image can be deleted where tags are immutable; so "
        "immutable tags would keep every image: tags have to stay mutable"
    )


def test_the_document_has_each_probe_and_its_assumption() -> None:
    text = (REPOSITORY / "docs/google.md").read_text()
    _, _, section = text.partition("## What `make probe` asks")

    rows = ROW.findall(section)

    assert rows == [(probe.name, probe.assumption, probe.consequence) for probe in PROBES]


def test_the_answers_are_json(stage: Machine, capsys: Capture) -> None:
    probe.main(["--env", "dev", "--json"])

    report = json.loads(capsys.readouterr().out)
    assert report["env"] == "dev"
    assert report["leftovers"] == []
