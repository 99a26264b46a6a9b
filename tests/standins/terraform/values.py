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
    for name in ("project", "region"):
        if values.get(name, "") is None and block["attributes"][name].get("computed"):
            values[name] = provider.get(name)
    if prior is None:
        values |= {name: UNKNOWN for name in computed(block) if values.get(name) is None}
    return values | labels(block, values, provider)


def applied(kind: str, block: Block, planned: Values, identity: str, number: str) -> Values:
    """The plan with every unknown filled in.

    A value is realistic where others refer to it, otherwise a text that says what it is.
    """
    cloud_chosen = cloud_values(kind, planned, identity, number)
    values = dict(planned)
    for name in computed(block):
        if values[name] is None or isinstance(values[name], ExtType):
            values[name] = cloud_chosen.get(name, made_up(name, block["attributes"][name]["type"]))
    return values


def cloud_values(kind: str, values: Values, identity: str, number: str) -> Values:
    if kind == "google_service_account":
        email = identity.rsplit("/", 1)[-1]
        return {
            "id": identity,
            "name": identity,
            "email": email,
            "member": f"serviceAccount:{email}",
            "unique_id": NUMBER,
        }
    if kind == "google_storage_bucket":
        name = values["name"]
        return {
            "id": name,
            "url": f"gs://{name}",
            "self_link": f"https://www.googleapis.com/storage/v1/b/{name}",
            "project_number": int(NUMBER),
        }
    name = (
        identity.replace(f"projects/{values.get('project')}/", f"projects/{NUMBER}/")
        if "workload_identity" in kind
        else identity
    )
    return {
        "id": identity,
        "name": name,
        "number": int(NUMBER),
        "version": number,
        "trigger_id": identity.rsplit("/", 1)[-1],
    }


def computed(block: Block) -> list[str]:
    return [
        name for name, attribute in block.get("attributes", {}).items() if attribute.get("computed")
    ]


def made_up(name: str, kind: Any) -> Any:
    if kind == "string":
        return f"stand-in-{name}"
    return EMPTY.get(kind) if isinstance(kind, str) else {} if kind[0] == "map" else []


def labels(block: Block, values: Values, provider: Values) -> Values:
    """The two computed maps with the provider's default labels."""
    if "effective_labels" not in block.get("attributes", {}):
        return {}
    own = values.get("labels") or {}
    if isinstance(own, ExtType):
        return {"effective_labels": UNKNOWN, "terraform_labels": UNKNOWN}
    every = {"goog-terraform-provisioned": "true", **(provider.get("default_labels") or {}), **own}
    return {"effective_labels": every, "terraform_labels": every}


def with_nested(block: Block, values: Values) -> Values:
    """Fill computed attributes of nested blocks, at once and with constant values.

    So the next plan finds the same.
    """
    filled = dict(values)
    for name, nested in block.get("block_types", {}).items():
        inner = nested["block"]
        if isinstance(filled.get(name), list):
            filled[name] = [_filled(inner, item) for item in filled[name]]
        elif isinstance(filled.get(name), dict):
            filled[name] = _filled(inner, filled[name])
    return filled


def _filled(block: Block, values: Any) -> Any:
    if not isinstance(values, dict):
        return values
    own = {
        name: made_up(name, block["attributes"][name]["type"])
        for name in computed(block)
        if values.get(name) is None
    }
    return with_nested(block, {**values, **own})
