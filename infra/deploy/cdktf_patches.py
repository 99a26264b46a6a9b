"""Every reach into the inside of CDKTF and of its provider package.

Each says when it can go. Only the standard library is needed, for the jobs without a venv.
"""

import importlib.util
import re
import sys

PROVIDER = "cdktf_cdktf_provider_google"


def register_unexecuted(package: str) -> None:
    """Register a package without executing it, unless it is imported already.

    The provider's package imports its 1,470 modules as soon as one of them is asked for, which is
    most of a synth's time. Unexecuted it still says where each module lies.
    To be dropped when the package imports lazily by itself.
    """
    if package in sys.modules:
        return
    spec = importlib.util.find_spec(package)
    if spec is not None:
        sys.modules[package] = importlib.util.module_from_spec(spec)


def guess_construct_path(stack: str, name: str) -> str:
    """Return a construct path for a name in Terraform, of a resource that is synthesized no more.

    CDKTF makes the name of the path's parts and a hash of eight digits.
    To be dropped when Terraform's plan carries the construct path.
    """
    readable_name = re.sub(r"_[0-9A-F]{8}$", "", name)
    parts = readable_name.split("_")
    return "/".join([stack, *parts])
