"""The ids of what is asked for, read from text: one or more a line."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator

from comagic_cli.errors import UsageProblem

BETWEEN = re.compile(r"[\s,;]+")
COMMENT = re.compile(r"#.*")
ID = re.compile(r"\d{1,18}", re.ASCII)  # what 64 bits hold
SHOWN = 40  # characters of a wrong one that a message quotes
NOTHING = ("", '""')  # as an empty cell is in CSV of one column


def read_ids(text: str, origin: str, headings: Container[str] = ()) -> Iterator[int]:
    """Yield the ids of a text, in their order.

    They stand on lines of their own, or between commas, semicolons and blanks, and may be in double
    quotes. Blank lines, empty cells of CSV (`""`) and what follows `#` say nothing, nor does a
    first line that is one of `headings`. Raises `UsageProblem` for anything else, naming `origin`
    and the line.
    """
    lines = text.removeprefix("\ufeff").splitlines()
    for number, line in enumerate(lines, 1):
        parts = BETWEEN.split(COMMENT.sub("", line).strip())
        words = [word.strip('"') for word in parts if word not in NOTHING]
        if number == 1 and len(words) == 1 and words[0] in headings:
            continue
        for word in words:
            if not ID.fullmatch(word):
                shown = word if len(word) <= SHOWN else f"{word[:SHOWN]}…"
                place = f", line {number}" if len(lines) > 1 else ""
                raise UsageProblem(
                    f"{origin}{place}: {shown!r} is no id",
                    hint="Ids are whole numbers: 1 or more a line, and # begins a comment.",
                )
            yield int(word)
