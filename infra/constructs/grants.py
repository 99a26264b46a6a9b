"""To whom things are granted, and how a grant is named: by what and to whom, so that adding one renames no other."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Principal:
    """Someone known by `name` (KIND:NAME) and given to a resource as `member`, which makes a grant wait for an account of the same stack."""

    name: str
    member: str

    @classmethod
    def of(cls, to: "str | Principal") -> "Principal":
        return to if isinstance(to, Principal) else cls(name=to, member=to)


def grant_id(role: str, to: Principal) -> str:
    """The construct id of the grant of `role` to `to`."""
    kind, _, who = to.name.partition(":")
    if not who:
        raise ValueError(
            f"a principal is named {to.name!r}, allowed are KIND:NAME, for example user:ada@example.org"
        )
    return f"{role.rsplit('/', 1)[-1]}:{who if kind != 'principal' else who.rsplit('/subject/', 1)[-1]}"
