"""The days whose rows a run takes: those right before a day, as many as model.toml says."""

from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.errors import ConfigurationError
from pipeline.model.folder import ModelFolder


@dataclass(frozen=True)
class Window:
    """From the beginning of a day to the beginning of another one, in UTC."""

    begin: date
    end: date

    @classmethod
    def before(cls, end: date, folder: ModelFolder) -> "Window":
        days = folder.declaration.data.window_days
        try:
            return cls(end - timedelta(days=days), end)
        except OverflowError as error:
            raise ConfigurationError(
                f"{folder.path}/model.toml: data.window_days is {days}, "
                f"and the window ends on {end}: "
                f"allowed is a window that begins on {date.min} or later"
            ) from error
