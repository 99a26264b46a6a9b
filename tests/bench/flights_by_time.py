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
        pipeline("run", str(folder), "--runs", str(place / "runs"))
        pipeline(
            "predict",
            str(folder),
            "--runs",
            str(place / "runs"),
            "--input",
            str(later),
            "--output",
            str(place / "answers.csv"),
        )
        print(
            f"trained to month {LAST_TRAINING_MONTH}, asked about later months: auc "
            f"{auc(place / 'answers.csv'):.4f}"
        )


def prepare(place: Path) -> tuple[Path, Path]:
    """A copy of the folder over the early months, and the CSV of the later months.

    Its bar lets any model through.
    """
    from pipeline.components.csv_example_gen import _content

    header, *rows = _content(ModelFolder.load("flights").source).decode().splitlines(keepends=True)
    month = header.split(",").index("month")
    folder = place / "flights"
    shutil.copytree(MODELS / "flights", folder)
    for file, early in ((folder / "early.csv", True), (place / "later.csv", False)):
        file.write_text(
            "".join(
                [
                    header,
                    *(
                        r
                        for r in rows
                        if (int(r.split(",")[month]) <= LAST_TRAINING_MONTH) == early
                    ),
                ]
            )
        )
    toml = (folder / "model.toml").read_text()
    toml = toml.replace('format = "csv.zip"', 'format = "csv"')
    toml = re.sub(r"(?m)^source = .*$", 'source = "early.csv"', toml)
    (folder / "model.toml").write_text(
        re.sub(r"(?m)^lower_bound = .*$", "lower_bound = 0.51", toml)
    )
    return folder, place / "later.csv"


def auc(answers: Path) -> float:
    with answers.open() as file:
        rows = [row for row in csv.DictReader(file) if row["arr_delay"]]
    late = [float(row["arr_delay"]) > LATE_MINUTES for row in rows]
    return area_under_curve(late, [float(row["predicted_score"]) for row in rows])


def pipeline(*arguments: str) -> None:
    process = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
    )
    if process.returncode:
        raise SystemExit(f"python -m pipeline {arguments[0]} failed:\n{process.stderr[-2000:]}")


if __name__ == "__main__":
    main()
