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
    kinds = {*recorded_types(), *additional}
    real = real_schema()
    real_resources = real["resource_schemas"]
    if unknown := sorted(kinds - real_resources.keys()):
        raise SystemExit(f"the google provider {VERSION} has no {', '.join(unknown)}")
    resources = {kind: real_resources[kind] for kind in sorted(kinds)}
    schema = {"provider": real["provider"], "resource_schemas": resources}
    record({"provider_schemas": {SOURCE: schema}})
    print(f"recorded {len(resources)} resource types in {SCHEMA.name}")


def recorded_types() -> list[str]:
    """The stand-in's resource types so far."""
    content = gzip.decompress(SCHEMA.read_bytes())
    schemas = json.loads(content)["provider_schemas"]
    schema = schemas[SOURCE]
    return list(schema["resource_schemas"])


def real_schema() -> Any:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        provider = choose(directory)
        if provider.kind != "real":
            raise SystemExit(
                "renewing the schema needs the real provider: set TF_PROVIDER_MIRROR to a "
                "Terraform mirror that holds it"
            )
        return schema_of(provider, directory)


def schema_of(provider: Provider, directory: Path) -> Any:
    configuration = directory / "main.tf.json"
    configuration.write_text(json.dumps(CONFIGURATION))
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
    schemas = json.loads(process.stdout)["provider_schemas"]
    return schemas[SOURCE]


def record(schemas: Any) -> None:
    """The same schema is always the same file: sorted, without a time, and without prose."""
    document = without_prose(schemas)
    text = json.dumps(document, sort_keys=True, separators=(",", ":"))
    content = gzip.compress(text.encode(), 9, mtime=0)
    SCHEMA.write_bytes(content)


def without_prose(value: Any) -> Any:
    """Without descriptions; an attribute may be called description, and then holds an object."""
    if isinstance(value, list):
        return [without_prose(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields = {}
    for name, item in value.items():
        if name not in PROSE or isinstance(item, dict):
            fields[name] = without_prose(item)
    return fields


if __name__ == "__main__":
    main(sys.argv[1:])
