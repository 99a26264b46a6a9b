"""CDKTF is archived: the source synthesizes to the same JSON under its successor cdktn.

Two names in it are replaced.
"""

import copy
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from settings import REPOSITORY
from tests.team import TEAM

RENAMED = {
    "cdktf_cdktf_provider_google": "cdktn_provider_google",
    "from cdktf import": "from cdktn import",
}  # as README says
SOURCES = {
    REPOSITORY: (
        "settings/*.py",
        "infra/**/*.py",
        "infra/*.hcl",
        "build/environment",
        "Pipfile.lock",
    ),
    TEAM: ("environments.py", "models/*/model.toml"),
}


PROVIDER_ADDRESSES = (
    "google",
    "hashicorp/google",
    "registry.terraform.io/hashicorp/google",
    "registry.opentofu.org/hashicorp/google",
)


def moved_copy(to: Path) -> Path:
    for folder, patterns in SOURCES.items():
        for pattern in patterns:
            for source in folder.glob(pattern):
                target = to / source.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                move(source, target)
    return to


def move(source: Path, target: Path) -> None:
    """Copy a file, with the successor's names in it if Python reads it."""
    text = source.read_text(encoding="utf-8")
    if source.suffix == ".py":
        for old, new in RENAMED.items():
            text = text.replace(old, new)
    target.write_text(text, encoding="utf-8")
    shutil.copymode(source, target)


def without_origin(synthesized: dict[str, Any]) -> dict[str, Any]:
    """A stack's JSON without the stamp of the version and the provider's address.

    These alone may differ.
    """
    document = copy.deepcopy(synthesized)
    metadata = document["//"]["metadata"]
    metadata.pop("version")
    google = document["terraform"]["required_providers"]["google"]
    address = google.pop("source")
    assert address in PROVIDER_ADDRESSES
    return document


def test_the_successor_synthesizes_the_same(synthesized, tmp_path):
    clone = moved_copy(tmp_path / "moved")
    environment = os.environ | {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}

    subprocess.run(
        [clone / "build/environment", "successor", "python", "-m", "infra"],
        cwd=clone,
        env=environment,
        check=True,
        timeout=300,
    )

    stacks = {}
    for file in clone.glob("cdktf.out/stacks/*/cdk.tf.json"):
        text = file.read_text()
        stacks[file.parent.name] = json.loads(text)
    assert set(stacks) == set(synthesized.stacks)
    for name in ("bucket", "endpoint"):
        source = clone / f"infra/constructs/{name}.py"
        assert "cdktn" in source.read_text()
    for name, stack in stacks.items():
        expected = without_origin(synthesized.stacks[name])
        assert without_origin(stack) == expected, name
