"""Where runs are tracked: in runs/mlflow.db, or by a team's own mlflow server."""

import ipaddress
import os
import re
from urllib.parse import SplitResult, urlsplit

from pipeline.errors import ConfigurationError
from settings.values import shown

HERE = "here"  # runs/mlflow.db
FLAG = "--tracker"
VARIABLE = "MLFLOW_TRACKING_URI"  # as mlflow's own programs read it
SCHEMES = ("http", "https")
HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.?")
ALLOWED = f"allowed is {HERE} or an mlflow server's address, as https://mlflow.example.com:5000"
CREDENTIALS = (
    "allowed is an address without: mlflow reads MLFLOW_TRACKING_USERNAME and "
    "MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN"
)


def chosen(flag: str | None) -> str:
    """The flag's address, else the variable's; HERE without either.

    Raises ConfigurationError for one that can be no server's.
    """
    if flag is not None:
        return checked(FLAG, flag)
    return checked(VARIABLE, os.environ.get(VARIABLE) or HERE)


def checked(name: str, text: str) -> str:
    """The address without a slash at its end; `name` is where it was read."""
    if text == HERE:
        return text
    parts = _parts(text)
    if parts is None:
        raise ConfigurationError(f"{name} is {shown(text)}, {ALLOWED}")
    if "@" in parts.netloc:
        raise ConfigurationError(f"{name} holds a user or a password, {CREDENTIALS}")
    if not _is_server(parts):
        raise ConfigurationError(f"{name} is {shown(text)}, {ALLOWED}")
    return text.rstrip("/")


def _parts(text: str) -> SplitResult | None:
    """The address in parts; urlsplit drops some control characters silently."""
    if not text.isascii() or not text.isprintable() or " " in text:
        return None
    try:
        parts = urlsplit(text)
        return parts if parts.port != 0 else None
    except ValueError:  # a port that is no number, half an IPv6 address
        return None


def _is_server(parts: SplitResult) -> bool:
    if parts.scheme not in SCHEMES or parts.query or parts.fragment:
        return False
    host = parts.hostname or ""
    return _is_ipv6(host) if ":" in host else HOST.fullmatch(host) is not None


def _is_ipv6(host: str) -> bool:
    try:
        ipaddress.IPv6Address(host)
    except ValueError:
        return False
    return True
