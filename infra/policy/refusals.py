"""What no synthesized stack may hold and no waiver allows.

Code that runs during a plan, keys and public access are refused. Where the allowed set is short,
the set is listed instead. JSON of another shape than CDKTF's is refused too: nothing hides in it.
"""

import re
from collections.abc import Iterator
from typing import Any

from infra.policy.failure import Failure

COMMENT = "//"  # Terraform's key for it in JSON
BLOCKS = ("terraform", "provider", "resource", "output")
# required_version would also make checkov skip the file silently
TERRAFORM_BLOCKS = ("backend", "required_providers")
BACKENDS = ("gcs",)
PROVIDER = {
    "source": ("google", "hashicorp/google", "registry.terraform.io/hashicorp/google"),
    "version": ("6.50.0",),
}
ONLY_GOOGLE = "use nothing but provider google"
KEYS = ("google_service_account_key", "google_storage_hmac_key", "google_apikeys_key")
PUBLIC = re.compile(r"\ball(Authenticated)?Users\b", re.IGNORECASE)
BASIC_ROLE = re.compile(r"\broles/(owner|editor|viewer)\b")


def refusals(stack: str, document: Any) -> Iterator[Failure]:
    """Every refusal of one stack's cdk.tf.json."""
    if not isinstance(document, dict):
        sentence = "the stack is no JSON object"
        yield Failure(stack, "cdk.tf.json", "shape", sentence, "run `make synth`")
        return
    allowed = ", ".join(BLOCKS)
    remedy = "compute names in settings/names.py, and use nothing but resources of provider google"
    for block in document.keys() - {COMMENT, *BLOCKS}:
        sentence = f"a {block} block is not allowed, allowed are {allowed}"
        yield Failure(stack, block, "block", sentence, remedy)
    yield from _terraform(stack, document.get("terraform", {}))
    yield from _providers(stack, document.get("provider", {}))
    yield from _resources(stack, document.get("resource", {}))


def _terraform(stack: str, terraform: Any) -> Iterator[Failure]:
    if not isinstance(terraform, dict):
        yield _shape(stack, "terraform")
        return
    allowed = ", ".join(TERRAFORM_BLOCKS)
    for block in terraform.keys() - set(TERRAFORM_BLOCKS):
        sentence = f"{block} is not allowed in a terraform block, allowed are {allowed}"
        yield Failure(stack, f"terraform.{block}", "block", sentence, "remove it")
    backends = dict(terraform.get("backend", {}))
    places = " or ".join(BACKENDS)
    for backend in backends.keys() - set(BACKENDS):
        address, sentence = f"terraform.backend.{backend}", f"state may lie in {places}"
        yield Failure(stack, address, "backend", sentence, "keep it in the bucket")
    requirements = dict(terraform.get("required_providers", {}))
    for name, requirement in requirements.items():
        if not _is_google(name, requirement):
            yield _foreign_provider(stack, name, requirement)


def _is_google(name: str, requirement: Any) -> bool:
    if name != "google":
        return False
    return all(requirement.get(key) in allowed for key, allowed in PROVIDER.items())


def _foreign_provider(stack: str, name: str, requirement: Any) -> Failure:
    source, version = requirement.get("source"), requirement.get("version")
    sentence = f"{source} {version} is a foreign provider, allowed is hashicorp/google 6.50.0"
    address = f"terraform.required_providers.{name}"
    return Failure(stack, address, "provider", sentence, ONLY_GOOGLE)


def _providers(stack: str, providers: Any) -> Iterator[Failure]:
    if not isinstance(providers, dict):
        yield _shape(stack, "provider")
        return
    for name in providers.keys() - {"google"}:
        sentence = "only provider google is allowed"
        yield Failure(stack, f"provider.{name}", "provider", sentence, ONLY_GOOGLE)


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
        remedy = "use one of them, or let the delivery do it"
        yield Failure(stack, address, "provider", sentence, remedy)
    if "provisioner" in body or "connection" in body:
        sentence = "a provisioner runs commands where the stack is applied"
        yield Failure(stack, address, "provisioner", sentence, "let the delivery do it")
    if kind in KEYS:
        sentence = "a key can be lost, and works for anyone who finds it"
        remedy = "use workload identity or a service account of the resource"
        yield Failure(stack, address, "key", sentence, remedy)
    yield from _access(stack, address, kind, body)


def _access(stack: str, address: str, kind: str, body: dict[str, Any]) -> Iterator[Failure]:
    content = {key: value for key, value in body.items() if key != COMMENT}
    texts = set(_texts(content))
    is_public = any(PUBLIC.search(text) for text in texts)
    if is_public:
        sentence = "everybody would have access"
        remedy = "name principals: consumers and readers in environments.py"
        yield Failure(stack, address, "public", sentence, remedy)
    has_basic_role = any(BASIC_ROLE.search(text) for text in texts)
    if "_iam_" in kind and has_basic_role:
        sentence = "owner, editor and viewer are more than anybody here needs"
        yield Failure(stack, address, "basic role", sentence, "grant a predefined role")


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _texts(part)
    elif isinstance(value, list):
        for part in value:
            yield from _texts(part)


def _shape(stack: str, address: str) -> Failure:
    sentence = "this is not how CDKTF writes JSON, and would be skipped"
    return Failure(stack, address, "shape", sentence, "run `make synth`")
