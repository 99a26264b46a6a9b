"""The bucket of every stack's state, its own stack's included.

It is made with a local state first, which then moves into it.
"""

import json
from collections.abc import Callable
from pathlib import Path

from infra.deploy.terraform import Stack, TerraformError


def stand_up(stack: Stack, bucket: str, *, local: Path, apply: Callable[[Stack], None]) -> None:
    """Make the bucket and its stack; safe to repeat after a failure anywhere.

    A state in the bucket comes first, then the local one, then a bucket without either.
    """
    override = stack.folder / "backend_override.tf.json"
    override.unlink(missing_ok=True)
    bucket_exists = _is_there(stack)
    if bucket_exists and stack.in_state():
        apply(stack)
    else:
        backend = {"local": {"path": str(local)}}
        override_json = json.dumps({"terraform": {"backend": backend}})
        override.write_text(override_json, encoding="utf-8")
        stack.init("-reconfigure")
        if bucket_exists and not stack.in_state():
            stack.take_in(_address(stack), bucket)
        apply(stack)
        override.unlink()
        stack.init("-migrate-state", "-force-copy")
        if not stack.in_state():
            raise TerraformError(
                f"{stack.name}: the state did not arrive in gs://{bucket}; it still is in {local}"
            )
    backup = local.with_suffix(".tfstate.backup")
    for file in (local, backup):
        file.unlink(missing_ok=True)


def _is_there(stack: Stack) -> bool:
    try:
        stack.init("-reconfigure")
    except TerraformError as error:
        if "state bucket isn't there" in str(error):
            return False
        raise
    return True


def _address(stack: Stack) -> str:
    resources = stack.configuration()["resource"]
    [bucket] = resources["google_storage_bucket"]
    return f"google_storage_bucket.{bucket}"
