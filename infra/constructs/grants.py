"""Principals, and the construct ids of grants.

A grant is named by what and to whom, so that adding one renames no other.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """Someone known by `name` (KIND:NAME) and given to a resource as `member`.

    `member` makes a grant wait for an account of the same stack.
    """

    name: str
    member: str

    @classmethod
    def of(cls, to: "str | Principal") -> "Principal":
        if isinstance(to, Principal):
            return to
        return cls(name=to, member=to)


def grant_id(role: str, to: Principal) -> str:
    """The construct id of the grant of `role` to `to`."""
    kind, _, name = to.name.partition(":")
    if not name:
        raise ValueError(
            f"a principal is named {to.name!r}, "
            "allowed are KIND:NAME, for example user:ada@example.org"
        )
    if kind == "principal":
        _, _, name = name.rpartition("/subject/")
    _, _, role_name = role.rpartition("/")
    return f"{role_name}:{name}"
