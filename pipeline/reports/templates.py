"""The environment of every page that a template draws."""

from pathlib import Path

import jinja2


def environment(folder: Path, *, autoescape: bool = True) -> jinja2.Environment:
    """The templates of a folder; a name that a template lacks is an error."""
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=autoescape,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
