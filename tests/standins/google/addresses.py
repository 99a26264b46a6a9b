"""The products' addresses that Google's Terraform provider lets one point elsewhere."""

import gzip
import json
from pathlib import Path

SCHEMA = Path(__file__).parents[1] / "terraform/google-6.50.0.json.gz"
MISSPELT = (
    "CONTAINERAWS",
    "CONTAINERAZURE",
)  # what the provider reads for its container_aws_ and container_azure_custom_endpoint


def custom_endpoints(url: str) -> dict[str, str]:
    """Each product's variable, with its own path below `url`."""
    endpoints = {product: f"{url}/{product}/" for product in products()}
    misspelt = {product: f"{url}/{product.lower()}/" for product in MISSPELT}
    return {
        f"GOOGLE_{product.upper()}_CUSTOM_ENDPOINT": address
        for product, address in {**endpoints, **misspelt}.items()
    }


def products() -> list[str]:
    """The provider's names of those products."""
    schema = json.loads(gzip.decompress(SCHEMA.read_bytes()))
    [provider] = schema["provider_schemas"].values()
    suffix = "_custom_endpoint"
    return sorted(
        name.removesuffix(suffix)
        for name in provider["provider"]["block"]["attributes"]
        if name.endswith(suffix)
    )
