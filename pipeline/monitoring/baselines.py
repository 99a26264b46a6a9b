"""Finds the baseline of a served version, here or in a stage.

A version from before there were baselines has none, nor has one whose baseline could not be made.
"""

from pathlib import Path

from pipeline.baseline import content
from pipeline.baseline.content import Baseline
from pipeline.errors import RunError
from pipeline.gcp import artifact_files, model_registry
from pipeline.gcp.stage import Stage
from pipeline.places import shown


def here(published: Path, version: str) -> Baseline | None:
    """The baseline of a version in the folder of a model's published versions."""
    file = published / version / content.NAME
    try:
        return content.decode(file.read_bytes(), shown(file))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise RunError(f"{shown(file)} cannot be read ({error.strerror})") from error


def there(stage: Stage, model: str, version: str) -> Baseline | None:
    """The baseline of a version in the stage's model registry.

    It lies in the model's folder in the stage's bucket: a refreshed version has it in common with
    the one before, and a promoted model is trained anew in each stage.
    """
    with stage.asking(f"version {version} of {model}"):
        uri = model_registry.registered(stage, model, version).uri
    if not uri.startswith(f"{stage.names.artifacts_uri}/"):
        return None  # registered by somebody else
    address = f"{uri.rstrip('/')}/{content.NAME}"
    baseline = artifact_files.read(stage, address)
    return None if baseline is None else content.decode(baseline, address)
