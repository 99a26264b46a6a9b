"""`runs import` reads W&B's offline runs where the package wandb is, and says so elsewhere."""

import importlib
import json
import math
import struct
import sys
import zlib

import pyarrow.parquet as pq
import pytest

from settings import REPOSITORY
from tests.pipeline.experiments.imports.neptune_export import sanitized

HEADER = b":W&B\xe1\xbe\x00"
BLOCK = 32_768
RUN = f"imported/{sanitized('team/seats')}/{sanitized('ab12')}"


@pytest.fixture
def record_type(monkeypatch):
    """The stand-in's Record, with the stand-in in the package's place."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "wandb"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(REPOSITORY / "tests/standins/packages")
    yield importlib.import_module("wandb.proto.wandb_internal_pb2").Record
    for name in [name for name in sys.modules if name.partition(".")[0] == "wandb"]:
        del sys.modules[name]


@pytest.fixture
def records(record_type):
    """A run with a curve of three points, as wandb 0.31.0 writes it."""
    run = record_type()
    run.run.run_id, run.run.entity, run.run.project = "ab12", "team", "seats"
    run.run.display_name = "night"
    run.run.tags.append("best")
    run.run.start_time.FromJsonString("2025-05-01T08:00:00Z")
    run.run.config.update.add(key="lr", value_json="0.01")
    run.run.config.update.add(key="net", value_json='{"units": 8}')
    points = [point(record_type, step, value) for step, value in enumerate(["0.9", "NaN", "0.4"])]
    summary = record_type()
    summary.summary.update.add(key="loss", value_json="0.4")
    summary.summary.update.add(key="best", value_json="0.3")
    other = record_type()
    other.telemetry.SetInParent()
    end = record_type()
    end.exit.exit_code, end.exit.runtime = 1, 60
    return [run, *points, other, summary, end]


def point(record_type, step, value):
    record = record_type()
    record.history.item.add(nested_key=["loss"], value_json=value)
    record.history.item.add(nested_key=["_step"], value_json=str(step))
    record.history.item.add(nested_key=["_timestamp"], value_json=str(1_746_086_400.5 + step))
    return record


def log(records):
    """The records as LevelDB's log has them: an entry never crosses a block as one piece."""
    content = bytearray(HEADER)
    for record in records:
        data, is_first = record.SerializeToString(), True
        while data or is_first:
            room = BLOCK - len(content) % BLOCK
            if room < 7:
                content += bytes(room)
                room = BLOCK
            piece, data = data[: room - 7], data[room - 7 :]
            kinds = {(True, True): 1, (True, False): 2, (False, False): 3, (False, True): 4}
            kind = kinds[is_first, not data]
            content += struct.pack("<IHB", zlib.crc32(bytes([kind]) + piece), len(piece), kind)
            content += piece
            is_first = False
    return bytes(content)


@pytest.fixture
def imported(cli, tmp_path):
    def call(content):
        file = tmp_path / "wandb/offline-run-1/run-ab12.wandb"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
        runs = tmp_path / "runs"
        return cli("runs", "import", tmp_path / "wandb", "--runs", runs, "--json"), runs / RUN

    return call


def test_an_offline_run_is_imported(records, imported):
    answer, folder = imported(log(records))

    summary = json.loads((folder / "summary.json").read_text())
    assert answer.code == 0
    assert summary["imported"]["source"] == "wandb"
    assert summary["imported"]["name"] == "night"
    assert summary["state"] == "failed"
    assert summary["seconds"] == 60
    assert summary["started"] == "2025-05-01T08:00:00+00:00"
    assert summary["metrics"] == {"best": 0.3, "loss": 0.4}
    hyperparameters = {"parameters/lr": 0.01, "parameters/net/units": 8}
    assert summary["records"]["hyperparameters"] == hyperparameters
    assert json.loads((folder / "tags.json").read_text()) == ["best"]


def test_its_curve_keeps_steps_times_and_nan(records, imported):
    _, folder = imported(log(records))

    points = pq.read_table(folder / "series.parquet").to_pylist()
    assert [each["step"] for each in points] == [0, 1, 2]
    assert points[0]["value"] == 0.9
    assert math.isnan(points[1]["value"])
    assert points[2]["time"].isoformat() == "2025-05-01T08:00:02.500000+00:00"


def test_what_wandb_writes_for_itself_is_counted(records, imported):
    answer, _ = imported(log(records))

    left_out = json.loads(answer.out)["counts"]["left_out"]
    assert left_out == {"its attribute_type is unknown": {"telemetry": 1}}


def test_an_entry_of_several_blocks_is_read(records, imported):
    records[0].run.notes = "n" * 100_000

    _, folder = imported(log(records))

    assert len(json.loads((folder / "summary.json").read_text())["purpose"]) == 100_000


def test_a_run_that_was_killed_is_incomplete_and_keeps_its_points(records, imported):
    content = log(records[:4])

    answer, folder = imported(content[:-5])

    assert answer.code == 0
    assert json.loads((folder / "summary.json").read_text())["state"] == "incomplete"
    assert len(pq.read_table(folder / "series.parquet")) == 2


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda content: b"x" + content, "it does not begin as W&B's files do"),
        (lambda content: content[:30] + b"\0" + content[31:], "its bytes from 7 on are damaged"),
        (lambda content: content[:7], "it names no run"),
        # The first entry's length, and its kind: neither is an end that was cut off.
        (lambda content: content[:12] + b"\xff" + content[13:], "bytes from 7 on are damaged"),
        (lambda content: content[:13] + b"\0" + content[14:], "bytes from 7 on are damaged"),
        (lambda content: content[:13] + b"\t" + content[14:], "bytes from 7 on are damaged"),
    ],
)
def test_a_damaged_file_is_refused(records, imported, damage, words):
    answer, folder = imported(damage(log(records)))

    assert answer.code == 1
    assert words in answer.sentence
    assert not folder.exists()


def test_without_the_package_a_sentence_tells_how_to_install_it(imported, monkeypatch):
    monkeypatch.setitem(sys.modules, "wandb", None)

    answer, folder = imported(HEADER)

    assert answer.code == 2
    assert "run-ab12.wandb is W&B's, which only the package wandb reads" in answer.sentence
    assert answer.sentence.endswith("-m pip install wandb` installs it")
    assert not folder.exists()


def test_a_folder_of_files_is_refused_since_nothing_reads_it(records, imported, cli, tmp_path):
    imported(log(records))

    answer = cli("runs", "import", tmp_path / "wandb", "--files", tmp_path, "--runs", tmp_path)

    assert answer.code == 2
    assert "which W&B's runs do not take" in answer.sentence
