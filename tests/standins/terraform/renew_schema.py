"""Record the stand-in provider's schema again: the real provider's.

It holds the resource types recorded so far and those named. Run `python -m
tests.standins.terraform.renew_schema [google_TYPE ...]`, with the real provider from the registry
or from TF_PROVIDER_MIRROR.
"""

import gzip
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.standins.terraform.provider import VERSION, Provider, choose

SCHEMA = Path(__file__).with_name("google-6.50.0.json.gz")
SOURCE = "registry.terraform.io/hashicorp/google"
CONFIGURATION = {
    "terraform": {
        "required_providers": {"google": {"source": "hashicorp/google", "version": VERSION}}
    }
}
PROSE = ("description", "description_kind", "deprecated")


def main(additional: list[str]) -> None:
    recorded = json.loads(gzip.decompress(SCHEMA.read_bytes()))["provider_schemas"][SOURCE][
        "resource_schemas"
    ]
    with tempfile.TemporaryDirectory() as directory:
        provider = choose(Path(directory))
        if provider.kind != "real":
            raise SystemExit(
                "renewing the schema needs the real provider: set TF_PROVIDER_MIRROR to a "
                "Terraform mirror that holds it"
            )
        real = schema_of(provider, Path(directory))
    if unknown := {*recorded, *additional} - real["resource_schemas"].keys():
        raise SystemExit(f"the google provider {VERSION} has no {', '.join(sorted(unknown))}")
    schemas = {kind: real["resource_schemas"][kind] for kind in sorted({*recorded, *additional})}
    schema = {"provider": real["provider"], "resource_schemas": schemas}
    record({"provider_schemas": {SOURCE: schema}})
    print(f"recorded {len(schemas)} resource types in {SCHEMA.name}")


def schema_of(provider: Provider, directory: Path) -> Any:
    (directory / "main.tf.json").write_text(json.dumps(CONFIGURATION))
    environment = os.environ | {"TF_CLI_CONFIG_FILE": os.devnull, "CHECKPOINT_DISABLE": "1"}
    for arguments in (provider.init(), ["providers", "schema", "-json"]):
        command = ["terraform", *arguments]
        process = subprocess.run(
            command,
            cwd=directory,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=True,
            timeout=600,
        )
    return json.loads(process.stdout)["provider_schemas"][SOURCE]


def record(schemas: Any) -> None:
    """The same schema is always the same file: sorted, without a time, and without prose."""
    text = json.dumps(without_prose(schemas), sort_keys=True, separators=(",", ":"))
    SCHEMA.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def without_prose(value: Any) -> Any:
    """Without descriptions; an attribute may be called description, and then holds an object."""
    if isinstance(value, list):
        return [without_prose(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: without_prose(item)
        for name, item in value.items()
        if name not in PROSE or isinstance(item, dict)
    }


if __name__ == "__main__":
    main(sys.argv[1:])
