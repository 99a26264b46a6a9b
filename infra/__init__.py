"""The infrastructure, in CDK for Terraform."""

from settings import interpreter  # first, since it refuses what is too old for the others

# isort: split
import sys
from types import TracebackType

from infra.deploy.cdktf_patches import PROVIDER, register_unexecuted


def tell_missing_module(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Name the module missing to `python3 -m infra...` in one sentence, with exit 2."""
    if isinstance(error, ModuleNotFoundError):
        print(interpreter.missing_module(error, "infra"), file=sys.stderr)
        raise SystemExit(2)
    sys.__excepthook__(kind, error, trace)


sys.excepthook = tell_missing_module  # the modules of a command are imported before any try
# Here, since every module of infra comes after it: the package must not be executed before.
register_unexecuted(PROVIDER)
