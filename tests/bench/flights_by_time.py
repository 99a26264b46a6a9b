"""The flights model's AUC on later months than its training's: a random split can't tell it."""

import csv
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from pipeline.model.folder import ModelFolder
from settings import MODELS, REPOSITORY
from tests.bench.taxi import area_under_curve

LAST_TRAINING_MONTH = 8
LATE_MINUTES = 15


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch)
        folder, later = prepare(place)
        answers = place / "answers.csv"
        runs = ("--runs", str(place / "runs"))
        pipeline("run", str(folder), *runs)
        pipeline("predict", str(folder), *runs, "--input", str(later), "--output", str(answers))
        area = auc(answers)
        print(f"trained to month {LAST_TRAINING_MONTH}, asked about later months: auc {area:.4f}")


def prepare(place: Path) -> tuple[Path, Path]:
    """A copy of the folder over the early months, and the CSV of the later months.

    Its bar lets any model through.
    """
    folder = place / "flights"
    later = place / "later.csv"
    shutil.copytree(MODELS / "flights", folder)
    split_by_month(folder / "early.csv", later)
    configuration = folder / "model.toml"
    toml = configuration.read_text()
    toml = toml.replace('format = "csv.zip"', 'format = "csv"')
    toml = re.sub(r"(?m)^source = .*$", 'source = "early.csv"', toml)
    toml = re.sub(r"(?m)^lower_bound = .*$", "lower_bound = 0.51", toml)
    configuration.write_text(toml)
    return folder, later


def split_by_month(early_file: Path, later_file: Path) -> None:
    """Write the rows up to the last month of training to one file, the later ones to another."""
    from pipeline.model.csv_file import content

    source = ModelFolder.load("flights").source
    text = content.read(source).decode()
    header, *rows = text.splitlines(keepends=True)
    month = header.split(",").index("month")
    early = [header]
    later = [header]
    for row in rows:
        fields = row.split(",")
        if int(fields[month]) <= LAST_TRAINING_MONTH:
            early.append(row)
        else:
            later.append(row)
    early_file.write_text("".join(early), encoding="utf-8")
    later_file.write_text("".join(later), encoding="utf-8")


def auc(answers: Path) -> float:
    labels = []
    scores = []
    with answers.open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            delay = row["arr_delay"]
            if delay:
                score = row["predicted_score"]
                labels.append(float(delay) > LATE_MINUTES)
                scores.append(float(score))
    return area_under_curve(labels, scores)


def pipeline(*arguments: str) -> None:
    command = [sys.executable, "-m", "pipeline", *arguments]
    process = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True)
    if process.returncode:
        message = process.stderr[-2000:]
        raise SystemExit(f"python -m pipeline {arguments[0]} failed:\n{message}")


if __name__ == "__main__":
    main()
