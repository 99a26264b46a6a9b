"""CDKTF is archived: the source synthesizes to the same JSON under its successor cdktn.

Two names in it are replaced.
"""

import json
import os
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
    REPOSITORY: ("settings/*.py", "infra/**/*.py", "build/environment", "Pipfile.lock"),
    TEAM: ("environments.py", "models/*/model.toml"),
}


def moved_copy(to: Path) -> Path:
    for folder, patterns in SOURCES.items():
        for source in (file for pattern in patterns for file in folder.glob(pattern)):
            target = to / source.relative_to(folder)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text()
            for old, new in RENAMED.items() if source.suffix == ".py" else ():
                text = text.replace(old, new)
            target.write_text(text)
            target.chmod(source.stat().st_mode)
    return to


def without_origin(synthesized: dict[str, Any]) -> dict[str, Any]:
    """The JSON without the stamp of the version and the provider's address.

    These alone may differ.
    """
    synthesized["//"]["metadata"].pop("version")
    google = synthesized["terraform"]["required_providers"]["google"]
    assert google.pop("source") in (
        "google",
        "hashicorp/google",
        "registry.terraform.io/hashicorp/google",
        "registry.opentofu.org/hashicorp/google",
    )
    return synthesized


def test_the_successor_synthesizes_the_same(synthesized, tmp_path):
    copy = moved_copy(tmp_path / "moved")
    environment = os.environ | {"JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}

    subprocess.run(
        [copy / "build/environment", "successor", "python", "-m", "infra"],
        cwd=copy,
        env=environment,
        check=True,
        timeout=300,
    )
    files = {
        file.parent.name: json.loads(file.read_text())
        for file in copy.glob("cdktf.out/stacks/*/cdk.tf.json")
    }

    assert set(files) == set(synthesized.stacks)
    assert all(
        "cdktn" in (copy / f"infra/constructs/{name}.py").read_text()
        for name in ("bucket", "endpoint")
    )
    for name, stack in files.items():
        assert without_origin(stack) == without_origin(
            json.loads(json.dumps(synthesized.stacks[name]))
        ), name
