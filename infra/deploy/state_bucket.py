"""The bucket that holds every stack's state, its own stack's, too: made with a local state first, which then moves into it."""

import json
from collections.abc import Callable
from pathlib import Path

from infra.deploy.terraform import Stack, TerraformError


def stand_up(stack: Stack, bucket: str, *, local: Path, apply: Callable[[Stack], None]) -> None:
    """Safe to repeat after a failure anywhere: a state in the bucket comes first, then the local one, then a bucket without either."""
    override = stack.folder / "backend_override.tf.json"
    override.unlink(missing_ok=True)
    there = _is_there(stack)
    if there and stack.in_state():
        apply(stack)
    else:
        override.write_text(json.dumps({"terraform": {"backend": {"local": {"path": str(local)}}}}))
        stack.init("-reconfigure")
        if there and not stack.in_state():
            stack.take_in(_address(stack), bucket)
        apply(stack)
        override.unlink()
        stack.init("-migrate-state", "-force-copy")
        if not stack.in_state():
            raise TerraformError(
                f"{stack.name}: the state did not arrive in gs://{bucket}; it still is in {local}"
            )
    for left in (local, local.with_suffix(".tfstate.backup")):
        left.unlink(missing_ok=True)


def _is_there(stack: Stack) -> bool:
    try:
        stack.init("-reconfigure")
    except TerraformError as error:
        if "state bucket isn't there" in str(error):
            return False
        raise
    return True


def _address(stack: Stack) -> str:
    [bucket] = json.loads((stack.folder / "cdk.tf.json").read_text())["resource"][
        "google_storage_bucket"
    ]
    return f"google_storage_bucket.{bucket}"
