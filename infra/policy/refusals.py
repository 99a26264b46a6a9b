"""What no synthesized stack may hold and no waiver allows.

Code that runs during a plan, keys and public access are refused. Where the allowed set is short,
the set is listed instead. JSON of another shape than CDKTF's is refused too: nothing hides in it.
"""

import re
from collections.abc import Iterator
from typing import Any

from infra.policy.failure import Failure

BLOCKS = ("//", "terraform", "provider", "resource", "output")
# required_version would also make checkov skip the file, without a word
TERRAFORM_BLOCKS = ("backend", "required_providers")
BACKENDS = ("gcs",)
PROVIDER = {
    "source": ("google", "hashicorp/google", "registry.terraform.io/hashicorp/google"),
    "version": ("6.50.0",),
}
KEYS = ("google_service_account_key", "google_storage_hmac_key", "google_apikeys_key")
PUBLIC = re.compile(r"\ball(Authenticated)?Users\b", re.IGNORECASE)
BASIC_ROLE = re.compile(r"\broles/(owner|editor|viewer)\b")


def refusals(stack: str, document: Any) -> Iterator[Failure]:
    """Every refusal of one stack's cdk.tf.json."""
    if not isinstance(document, dict):
        yield Failure(
            stack, "cdk.tf.json", "shape", "the stack is no JSON object", "run `make synth`"
        )
        return
    for block in document.keys() - set(BLOCKS):
        sentence = f"a {block} block is not allowed, allowed are {', '.join(BLOCKS[1:])}"
        yield Failure(
            stack,
            block,
            "block",
            sentence,
            "compute names in settings/names.py, and use nothing but resources of provider google",
        )
    yield from _terraform(stack, document.get("terraform", {}))
    yield from _providers(stack, document.get("provider", {}))
    yield from _resources(stack, document.get("resource", {}))


def _terraform(stack: str, terraform: Any) -> Iterator[Failure]:
    if not isinstance(terraform, dict):
        yield _shape(stack, "terraform")
        return
    for block in terraform.keys() - set(TERRAFORM_BLOCKS):
        sentence = (
            f"{block} is not allowed in a terraform block, "
            f"allowed are {', '.join(TERRAFORM_BLOCKS)}"
        )
        yield Failure(stack, f"terraform.{block}", "block", sentence, "remove it")
    for backend in dict(terraform.get("backend", {})).keys() - set(BACKENDS):
        yield Failure(
            stack,
            f"terraform.backend.{backend}",
            "backend",
            f"state may lie in {' or '.join(BACKENDS)}",
            "keep it in the bucket",
        )
    for name, requirement in dict(terraform.get("required_providers", {})).items():
        is_google = name == "google" and all(
            requirement.get(key) in allowed for key, allowed in PROVIDER.items()
        )
        if not is_google:
            sentence = (
                f"{requirement.get('source')} {requirement.get('version')} is a foreign provider, "
                "allowed is hashicorp/google 6.50.0"
            )
            yield Failure(
                stack,
                f"terraform.required_providers.{name}",
                "provider",
                sentence,
                "use nothing but provider google",
            )


def _providers(stack: str, providers: Any) -> Iterator[Failure]:
    if not isinstance(providers, dict):
        yield _shape(stack, "provider")
        return
    for name in providers.keys() - {"google"}:
        yield Failure(
            stack,
            f"provider.{name}",
            "provider",
            "only provider google is allowed",
            "use nothing but provider google",
        )


def _resources(stack: str, kinds: Any) -> Iterator[Failure]:
    if not isinstance(kinds, dict):
        yield _shape(stack, "resource")
        return
    for kind, bodies in kinds.items():
        resources = bodies.items() if isinstance(bodies, dict) else [("?", None)]
        for name, body in resources:
            address = f"{kind}.{name}"
            if isinstance(body, dict):
                yield from _resource(stack, address, kind, body)
            else:
                yield _shape(stack, address)


def _resource(stack: str, address: str, kind: str, body: dict[str, Any]) -> Iterator[Failure]:
    provider = str(body.get("provider", "google"))
    if not kind.startswith("google_") or not provider.startswith("google"):
        sentence = "only resources of provider google are allowed"
        yield Failure(
            stack, address, "provider", sentence, "use one of them, or let the delivery do it"
        )
    if "provisioner" in body or "connection" in body:
        yield Failure(
            stack,
            address,
            "provisioner",
            "a provisioner runs commands where the stack is applied",
            "let the delivery do it",
        )
    if kind in KEYS:
        sentence = "a key can be lost, and works for whoever finds it"
        yield Failure(
            stack,
            address,
            "key",
            sentence,
            "use workload identity or a service account of the resource",
        )
    yield from _access(stack, address, kind, body)


def _access(stack: str, address: str, kind: str, body: dict[str, Any]) -> Iterator[Failure]:
    content = {key: value for key, value in body.items() if key != "//"}
    texts = set(_texts(content))
    if any(PUBLIC.search(text) for text in texts):
        yield Failure(
            stack,
            address,
            "public",
            "everybody would have access",
            "name principals: consumers and readers in environments.py",
        )
    if "_iam_" in kind and any(BASIC_ROLE.search(text) for text in texts):
        yield Failure(
            stack,
            address,
            "basic role",
            "owner, editor and viewer are more than anybody here needs",
            "grant a predefined role",
        )


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    items = value if isinstance(value, list) else ()
    parts = value.values() if isinstance(value, dict) else items
    for part in parts:
        yield from _texts(part)


def _shape(stack: str, address: str) -> Failure:
    return Failure(
        stack,
        address,
        "shape",
        "this is not how CDKTF writes JSON, and would be looked past",
        "run `make synth`",
    )
