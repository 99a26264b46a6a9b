"""A card as a CycloneDX 1.6 bill of materials: the model, its data and its libraries.

https://cyclonedx.org/docs/1.6/json/ says what each key means.
"""

import json
import uuid
from typing import Any
from urllib.parse import quote

from pipeline.cards.content import Card, Metric
from pipeline.cards.sentences import NO_NUMBER

SCHEMA = "http://cyclonedx.org/schema/bom-1.6.schema.json"
# https://github.com/package-url/purl-spec/blob/main/types/pypi-definition.json: a name is in lower
# case, with hyphens for underscores.
PACKAGE = "pkg:pypi/{name}@{version}"
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://cyclonedx.org/docs/1.6/json/")
MODEL, DATA = "model", "data"

Json = dict[str, Any]


def bill(card: Card) -> str:
    """The bill as JSON, the same for the same card."""
    document = {
        "$schema": SCHEMA,
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(NAMESPACE, card.run)}",
        "version": 1,
        "metadata": {"timestamp": card.started, "component": _model(card)},
        "components": [_data(card), *_libraries(card)],
        "dependencies": _dependencies(card),
    }
    return f"{json.dumps(document, indent=1)}\n"


def _model(card: Card) -> Json:
    component: Json = {
        "type": "machine-learning-model",
        "bom-ref": MODEL,
        "name": card.model,
        "version": card.run,
        "description": card.purpose,
        "modelCard": {
            "modelParameters": _parameters(card),
            "quantitativeAnalysis": {"performanceMetrics": _measurements(card)},
            "considerations": _considerations(card),
            "properties": _properties(card),
        },
    }
    if digest := (card.training or {}).get("digest"):
        component["hashes"] = [{"alg": "SHA-256", "content": digest}]
    if card.owner.license:
        name = card.owner.license_name or card.owner.license
        component["licenses"] = [{"license": {"name": name}}]
    return component


def _parameters(card: Card) -> Json:
    return {
        "approach": {"type": "supervised"},
        "task": "binary classification",
        "datasets": [{"ref": DATA}],
        "inputs": [
            {"format": f"{column}: {type_}"} for column, type_ in sorted(card.columns.items())
        ],
        "outputs": [{"format": f"probability of {card.label}"}],
    }


def _measurements(card: Card) -> list[Json]:
    return [_measurement(metric) for metric in card.metrics]


def _measurement(metric: Metric) -> Json:
    value = NO_NUMBER if metric.value is None else repr(metric.value)
    measurement: Json = {"type": metric.name, "value": value, "slice": metric.slice}
    if metric.low is not None and metric.high is not None:
        measurement["confidenceInterval"] = {
            "lowerBound": repr(metric.low),
            "upperBound": repr(metric.high),
        }
    return measurement


def _considerations(card: Card) -> Json:
    considerations: Json = {
        "useCases": [card.purpose],
        "technicalLimitations": card.data.defects,
    }
    if card.owner.users:
        considerations["users"] = card.owner.users
    if card.owner.out_of_scope:
        cases = [{"name": f"not to be used for: {case}"} for case in card.owner.out_of_scope]
        considerations["ethicalConsiderations"] = cases
    return considerations


def _properties(card: Card) -> list[Json]:
    """What CycloneDX has no key for, by dotted names; values are texts."""
    groups = {"hyperparameter": card.hyperparameters, "code": card.code}
    properties = []
    for group, values in groups.items():
        for name, value in values.items():
            if isinstance(value, str | int | float):
                properties.append({"name": f"{group}.{name}", "value": str(value)})
    for bound in card.gate:
        name = f"gate.{bound.metric}.{bound.slice}"
        properties.append({"name": name, "value": f"at least {bound.lower_bound}"})
    return properties


def _data(card: Card) -> Json:
    dataset: Json = {
        "type": "dataset",
        "name": card.data.origin,
        "description": f"licence: {card.data.licence}",
    }
    component: Json = {
        "type": "data",
        "bom-ref": DATA,
        "name": f"rows of {card.model}",
        "data": [dataset],
    }
    if card.data.digest:
        component["version"] = card.data.digest
    if card.data.rows is not None:
        rows = {"name": "rows", "value": str(card.data.rows)}
        dataset["contents"] = {"properties": [rows]}
    return component


def _packages(card: Card) -> dict[str, str]:
    packages: dict[str, str] = card.environment.get("packages", {})
    return packages


def _libraries(card: Card) -> list[Json]:
    components = []
    for name, version in sorted(_packages(card).items()):
        purl_name = name.lower().replace("_", "-")
        package = PACKAGE.format(name=purl_name, version=quote(version))
        components.append(
            {
                "type": "library",
                "bom-ref": package,
                "name": name,
                "version": version,
                "purl": package,
            }
        )
    return components


def _dependencies(card: Card) -> list[Json]:
    libraries = [component["bom-ref"] for component in _libraries(card)]
    return [{"ref": MODEL, "dependsOn": [DATA, *libraries]}]
