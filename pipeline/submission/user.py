"""The person whose experiments they are, as a part of names and labels."""

import getpass
import re
import unicodedata
from pathlib import Path

from pipeline.delivery.git_process import answer
from pipeline.errors import ConfigurationError
from settings.values import shown

LONGEST = 20  # characters, of settings.names.USER


def current(repository: Path) -> str:
    """The person by git's user.email, or else by the login's name."""
    email = (answer(repository, "config", "--get", "user.email", missing=1) or "").strip()
    local_part, _, _ = email.partition("@")
    login = _login()
    name = sanitized(local_part) or sanitized(login)
    if not name:
        raise ConfigurationError(
            f"git's user.email is {shown(email)} and the login is {shown(login)}, allowed is "
            "one with a letter or digit of ASCII: `git config user.email you@example.com`"
        )
    return name


def sanitized(text: str) -> str:
    """The text's letters and digits, without accents: what all names of Google's take."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]", "", ascii_text.lower())[:LONGEST]


def _login() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # an account without a name, as in a container
        return ""
