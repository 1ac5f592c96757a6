"""Names and constants as SQL text."""


def quoted(identifier: str) -> str:
    """A column or table name as SQL text."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text constant as SQL text. NUL, which no SQL text may hold, is spelled out.

    >>> literal("it's"), literal("a\\0b")
    ("'it''s'", "('a' || chr(0) || 'b')")
    """
    parts = ["'" + part.replace("'", "''") + "'" for part in text.split("\0")]
    return parts[0] if len(parts) == 1 else f"({' || chr(0) || '.join(parts)})"
