"""The stand-in provider's additions to a resource's own values.

They are unknown in a new resource's plan, and made up when it is applied.
"""

from typing import Any

from msgpack import ExtType

from tests.standins.terraform.objects import Values

Block = dict[str, Any]
UNKNOWN = ExtType(0, b"\x00")
EMPTY = {"string": "", "number": 0, "bool": False}
NUMBER = "123456789012"  # of every project


def planned(block: Block, proposed: Values, prior: Values | None, provider: Values) -> Values:
    """The plan: the configuration, the provider's defaults, unknown for the cloud's own values."""
    values = with_nested(block, proposed)
    unset = empty(block, values)
    for name in ("project", "region"):
        if name in unset and name in values:
            values[name] = provider.get(name)
    if prior is None:
        values |= dict.fromkeys(empty(block, values), UNKNOWN)
    return values | labels(block, values, provider)


def applied(kind: str, block: Block, planned: Values, identity: str, number: str) -> Values:
    """The plan with every unknown filled in.

    A value is realistic where others refer to it, otherwise a text that says what it is.
    """
    cloud_chosen = cloud_values(kind, planned, identity, number)
    values = dict(planned)
    for name in computed(block):
        value = values[name]
        if value is None or isinstance(value, ExtType):
            values[name] = cloud_chosen.get(name, made_up(name, block))
    return values


def cloud_values(kind: str, values: Values, identity: str, number: str) -> Values:
    if kind == "google_service_account":
        return account_values(identity)
    if kind == "google_storage_bucket":
        return bucket_values(values["name"])
    name = identity
    if "workload_identity" in kind:
        project = values.get("project")
        name = identity.replace(f"projects/{project}/", f"projects/{NUMBER}/")
    return {
        "id": identity,
        "name": name,
        "number": int(NUMBER),
        "version": number,
        "trigger_id": last_part(identity),
    }


def account_values(identity: str) -> Values:
    email = last_part(identity)
    return {
        "id": identity,
        "name": identity,
        "email": email,
        "member": f"serviceAccount:{email}",
        "unique_id": NUMBER,
    }


def bucket_values(name: str) -> Values:
    return {
        "id": name,
        "url": f"gs://{name}",
        "self_link": f"https://www.googleapis.com/storage/v1/b/{name}",
        "project_number": int(NUMBER),
    }


def last_part(identity: str) -> str:
    *_, part = identity.rsplit("/", 1)
    return part


def computed(block: Block) -> list[str]:
    attributes = block.get("attributes", {})
    return [name for name, attribute in attributes.items() if attribute.get("computed")]


def empty(block: Block, values: Values) -> list[str]:
    """The computed attributes without a value."""
    return [name for name in computed(block) if values.get(name) is None]


def made_up(name: str, block: Block) -> Any:
    attribute = block["attributes"][name]
    kind = attribute["type"]
    if kind == "string":
        return f"stand-in-{name}"
    if isinstance(kind, str):
        return EMPTY.get(kind)
    if kind[0] == "map":
        return {}
    return []


def labels(block: Block, values: Values, provider: Values) -> Values:
    """The two computed maps with the provider's default labels."""
    attributes = block.get("attributes", {})
    if "effective_labels" not in attributes:
        return {}
    own = values.get("labels") or {}
    if isinstance(own, ExtType):
        return {"effective_labels": UNKNOWN, "terraform_labels": UNKNOWN}
    default = provider.get("default_labels") or {}
    every = {"goog-terraform-provisioned": "true", **default, **own}
    return {"effective_labels": every, "terraform_labels": every}


def with_nested(block: Block, values: Values) -> Values:
    """Fill computed attributes of nested blocks, at once and with constant values.

    The next plan thereby finds the same values.
    """
    filled = dict(values)
    nested_blocks = block.get("block_types", {})
    for name, nested in nested_blocks.items():
        inner = nested["block"]
        value = filled.get(name)
        if isinstance(value, list):
            filled[name] = [_filled(inner, item) for item in value]
        elif isinstance(value, dict):
            filled[name] = _filled(inner, value)
    return filled


def _filled(block: Block, values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    own = {name: made_up(name, block) for name in empty(block, values)}
    return with_nested(block, {**values, **own})
