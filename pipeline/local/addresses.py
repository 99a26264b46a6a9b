"""Puts the absolute addresses in a database right after its folder was moved or copied."""

import sqlite3
from collections.abc import Iterable

Column = tuple[str, str]  # its table and its name


def move(database: sqlite3.Connection, columns: Iterable[Column], old: str, new: str) -> None:
    """Move the addresses at or below the folder `old` to the folder `new`."""
    for table, column in columns:
        database.execute(
            f"UPDATE {table} SET {column} = :new || substr({column}, :length + 1) "
            f"WHERE {column} = :old OR substr({column}, 1, :length + 1) = :old || '/'",
            {"old": old, "new": new, "length": len(old)},
        )
