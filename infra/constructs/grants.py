"""How a grant is named: by what is granted and to whom, so that adding one renames no other."""


def grant_id(role: str, to: str) -> str:
    """The construct id of the grant of `role` to the principal `to`."""
    kind, _, who = to.partition(":")
    if not who:
        raise ValueError(f"a principal is named {to!r}, allowed are KIND:NAME, for example user:ada@example.org")
    return f"{role.rsplit('/', 1)[-1]}:{who if kind != 'principal' else who.rsplit('/subject/', 1)[-1]}"
