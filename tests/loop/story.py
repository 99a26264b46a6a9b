"""What one loop is about: a model, its early and its later rows, and when it is judged."""

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from settings import REPOSITORY

WINDOWS = 3  # which share no day; drift in two of them asks for a retraining


@dataclass(frozen=True, kw_only=True)
class Story:
    """A model's folder, with other values in its model.toml, by pattern."""

    folder: Path
    early: date  # the first training has the rows before it
    late: date  # the second one has; the figure is of those from this day on
    window_days: int  # of the monitor, as the folder's model.toml has it in the end
    sampling_rate: float
    values: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def days(self) -> list[date]:
        """The last days of the judged windows, in order."""
        last = self.late - timedelta(days=1)
        length = timedelta(days=self.window_days)
        return [last - number * length for number in reversed(range(WINDOWS))]

    def copy(self, to: Path) -> Path:
        """The folder with this story's values, in `to`."""
        ignored = shutil.ignore_patterns("__pycache__")
        copy = to / self.name
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.folder, copy, ignore=ignored)
        file = copy / "model.toml"
        text = file.read_text(encoding="utf-8")
        for pattern, value in self.values.items():
            text, count = re.subn(pattern, value, text, flags=re.MULTILINE)
            assert count == 1, f"{pattern} stands {count} times in {file}"
        file.write_text(text, encoding="utf-8")
        return copy


# The file has 13 trips a day: a month of them, the cloud's window, is nothing to train on, and a
# week of them nothing to judge. The bar for a slice of so few is lower. The month of a trip is no
# drift: a window of four weeks has one or two of twelve.
TAXI = Story(
    folder=REPOSITORY / "models/taxi",
    early=date(2014, 1, 1),
    late=date(2015, 1, 1),
    window_days=28,
    sampling_rate=0.9,
    values={
        r"^window_days = .*$": "window_days = 730",
        r'(?<=value = "Credit Card"\n)lower_bound = .*$': "lower_bound = 0.55",
        r"^\[monitoring\]$": """[monitoring]
window_days = 28
leave_out = ["trip_start_month"]""",
    },
)
