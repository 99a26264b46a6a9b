"""The keys in front of a card's README.md, as Hugging Face reads them.

https://github.com/huggingface/hub-docs/blob/main/modelcard.md says which there are.
"""

from typing import Any

import yaml

from pipeline.cards.content import Card, Metric

TASK = "tabular-classification"
# https://huggingface.co/metrics; what has no name there keeps ours.
METRICS = {"auc": "roc_auc", "binary_accuracy": "accuracy"}
TAGS = ["tensorflow", "tfx", "esteira"]

Json = dict[str, Any]


def front_matter(card: Card) -> str:
    """The YAML between the two lines of `---`."""
    owner = card.owner
    keys: Json = {
        "license": owner.license,
        "license_name": owner.license_name,
        "license_link": owner.license_link,
        "language": owner.language,
        "pipeline_tag": TASK,
        "tags": [*TAGS, *owner.tags],
        "metrics": sorted({_type(metric) for metric in _figures(card)}),
        "model-index": _model_index(card),
    }
    stated = {key: value for key, value in keys.items() if value}
    text: str = yaml.safe_dump(stated, sort_keys=False, allow_unicode=True, width=1000)
    return text


def _model_index(card: Card) -> list[Json]:
    results = _results(card)
    return [{"name": card.model, "results": results}] if results else []


def _results(card: Card) -> list[Json]:
    """One result for each slice: all of its metrics on one set of rows."""
    by_slice: dict[str, list[Metric]] = {}
    for metric in _figures(card):
        by_slice.setdefault(metric.slice, []).append(metric)
    return [_result(card, part, metrics) for part, metrics in by_slice.items()]


def _figures(card: Card) -> list[Metric]:
    """The metrics that have a number: Hugging Face demands a value of each."""
    return [metric for metric in card.metrics if metric.value is not None]


def _result(card: Card, part: str, metrics: list[Metric]) -> Json:
    name = f"{card.data.origin} (held out)"
    if part != "all":
        name = f"{name}, {part}"
    dataset = {"type": card.model, "name": name, "split": "eval"}
    if card.data.digest:
        dataset["revision"] = card.data.digest
    return {
        "task": {"type": TASK, "name": card.purpose},
        "dataset": dataset,
        "metrics": [
            {"type": _type(metric), "name": metric.name, "value": metric.value}
            for metric in metrics
        ],
    }


def _type(metric: Metric) -> str:
    return METRICS.get(metric.name, metric.name)
