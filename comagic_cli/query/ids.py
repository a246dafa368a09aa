"""Ids read from text, one or more per line."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from comagic_cli.errors import UsageProblem

SEPARATOR = re.compile(r"[\s,;]+")
COMMENT = re.compile(r"#.*")
ID = re.compile(r"\d{1,18}", re.ASCII)  # what 64 bits hold
MAX_QUOTED = 40  # characters of a mistake that a message quotes
EMPTY = ("", '""')  # an empty cell in CSV of one column


def read_ids(text: str, origin: str, headings: Container[str] = ()) -> Iterator[int]:
    """Yield the ids of a text, in their order.

    Ids are separated by lines, commas, semicolons or blanks, and can be in double quotes. Ignored
    are blank lines, empty cells of CSV (`""`), what follows `#`, and a first line that is one of
    `headings`. Raises `UsageProblem` for anything else, with `origin` and the line.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    for number, line in enumerate(lines, 1):
        parts = SEPARATOR.split(COMMENT.sub("", line).strip())
        words = [word.strip('"') for word in parts if word not in EMPTY]
        if number == 1 and len(words) == 1 and words[0] in headings:
            continue
        for word in words:
            if not ID.fullmatch(word):
                shown = word if len(word) <= MAX_QUOTED else f"{word[:MAX_QUOTED]}…"
                place = f", line {number}" if len(lines) > 1 else ""
                raise UsageProblem(
                    f"{origin}{place}: {shown!r} is not an id",
                    hint="Ids are whole numbers, one or more per line; # begins a comment.",
                )
            yield int(word)


def is_number(text: str) -> bool:
    """Return whether a text is a whole number that 64 bits hold."""
    return ID.fullmatch(text) is not None
