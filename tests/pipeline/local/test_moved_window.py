"""A run over a later window: other rows, and a candidate judged on the newest of them."""

import csv
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder
from pipeline.spec import here
from tests.pipeline.conftest import SCORE, copy_small, edit, nodes_that, parsed

LAST = "2014-05-29T07:45:00Z"  # of the published model's rows
END = "2014-06-10"
TWO_WEEKS_SECONDS = 14 * 24 * 3600
WORSE = r"""score = \1
        noise = tf.math.floormod(features["fare_log"] * 997.0, 1.0)
        return {"score": 0.3 * score + 0.7 * noise}"""
CACHED = {"CsvExampleGen", "StatisticsGen", "Transform", "Trainer", "Evaluator", "Pusher"}


def append_two_weeks(file):
    """Let the later rows of the file happen once more, two weeks later."""
    with file.open(newline="") as content:
        rows = list(csv.DictReader(content))
    times = [int(row["trip_start_timestamp"]) for row in rows]
    with file.open("a", newline="") as content:
        writer = csv.DictWriter(content, rows[0], lineterminator="\n")
        for row, time in zip(rows, times, strict=True):
            later = time + TWO_WEEKS_SECONDS
            if later > max(times):
                writer.writerow(row | {"trip_start_timestamp": later})


@dataclass
class Retrained:
    """A run whose candidate is worse than the published model, over rows two weeks newer."""

    folder: Path
    summary: dict[str, Any]
    page: str
    published_before: str


@pytest.fixture(scope="module")
def retrained(trained, tmp_path_factory):
    from pipeline.local import runs
    from pipeline.tracking import sender

    folder = copy_small("cab", tmp_path_factory.mktemp("retrained"))
    append_two_weeks(folder / "rows.csv")
    edit(folder / "model.py", SCORE, WORSE)
    model = ModelFolder.load(str(folder))
    published_sha256 = trained.published_sha256
    end = date.fromisoformat(END)
    with sender.started(trained.runs) as tracker:
        summary = runs.run(model, trained.runs, tracker, until=end)
    page = (trained.runs / summary["run"] / "report.html").read_text()
    return Retrained(folder, summary, page, published_sha256)


def window(summary):
    return summary["records"]["data"]["window"]


def test_a_model_carries_the_window_of_its_rows(trained):
    text = (trained.model / "assets.extra/window.json").read_text()

    assert json.loads(text) == window(trained.summary)
    assert window(trained.summary)["last"] == LAST
    assert window(trained.summary)["end"] is None


def test_a_later_window_has_other_rows_and_another_fingerprint(trained, retrained):
    data = retrained.summary["records"]["data"]
    earlier_data = trained.summary["records"]["data"]

    assert data["window"] == {
        "begin": "2014-05-11",
        "end": END,
        "first": "2014-05-13T17:00:00Z",
        "last": "2014-06-09T23:45:00Z",
        "rows_without_time": 0,
    }
    assert data["rows"] > earlier_data["rows"]
    assert data["digest"] != earlier_data["digest"]


def test_a_candidate_that_loses_on_newer_rows_is_refused(trained, retrained):
    comparison = retrained.summary["newer_rows"]

    checks = [check["holds"] for check in retrained.summary["gate"]]
    assert all(checks)
    assert comparison["last_time"] == LAST
    assert comparison["rows"] > 300
    assert comparison["high"] < 0
    assert not comparison["holds"]
    assert retrained.summary["decision"] == {
        "blessed": False,
        "published": None,
        "reason": f"not published: {comparison['sentence']}",
    }
    assert trained.published_sha256 == retrained.published_before


def test_its_report_says_so_and_draws_the_interval(retrained):
    sentence = retrained.summary["newer_rows"]["sentence"]

    assert sentence.startswith(f"on {retrained.summary['newer_rows']['rows']} held-out rows after")
    assert "wholly below 0)" in sentence
    assert retrained.page.count("data:image/svg+xml;base64,") == 5  # one more than of any run
    assert sentence[1:].replace("'", "&#39;") in retrained.page
    assert f"from 2014-05-11 to {END}, the first of 2014-05-13T17:00:00Z" in retrained.page


def test_the_same_window_again_is_taken_from_the_cache(trained, retrained, cli):
    result = cli("run", retrained.folder, "--runs", trained.runs, "--until", END, "--json")

    summary = parsed(result)
    assert result.code == 3
    assert nodes_that(summary, "cached") >= CACHED
    assert summary["records"]["data"] == retrained.summary["records"]["data"]
    assert summary["newer_rows"] == retrained.summary["newer_rows"]


@pytest.mark.parametrize("day", ["tomorrow", "2014-02-30", "20140610", "2014-06-10T00:00", ""])
def test_a_day_that_is_none_is_wrong_usage(day, cab, cli, tmp_path):
    result = cli("run", cab, "--runs", tmp_path / "runs", "--until", day)

    assert result.code == 2
    assert result.sentence.endswith(f"--until is {day!r}, allowed is a day as YYYY-MM-DD")
    assert not list(tmp_path.glob("runs/2*"))


def test_a_window_needs_a_time_column(cab, tmp_path):
    edit(cab / "model.toml", r"^time_column = .*\n", "")
    folder = ModelFolder.load(str(cab))

    with pytest.raises(ConfigurationError, match=r"model\.toml: monitoring\.time_column is miss"):
        here(folder, tmp_path, until=date(2014, 6, 10))
