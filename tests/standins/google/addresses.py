"""The overridable addresses of products in Google's Terraform provider."""

import gzip
import json
from pathlib import Path

STANDINS = Path(__file__).parents[1]
SCHEMA = STANDINS / "terraform/google-6.50.0.json.gz"
SUFFIX = "_custom_endpoint"
# what the provider reads for its container_aws_ and container_azure_custom_endpoint
MISSPELT = ("CONTAINERAWS", "CONTAINERAZURE")


def custom_endpoints(url: str) -> dict[str, str]:
    """Each product's variable, with its own path below `url`."""
    endpoints = {}
    for product in (*products(), *MISSPELT):
        variable = f"GOOGLE_{product.upper()}_CUSTOM_ENDPOINT"
        endpoints[variable] = f"{url}/{product.lower()}/"
    return endpoints


def products() -> list[str]:
    """The provider's names of those products."""
    content = gzip.decompress(SCHEMA.read_bytes())
    schema = json.loads(content)
    [provider] = schema["provider_schemas"].values()
    attributes = provider["provider"]["block"]["attributes"]
    endpoints = [name for name in attributes if name.endswith(SUFFIX)]
    return sorted(name.removesuffix(SUFFIX) for name in endpoints)
