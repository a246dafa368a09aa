r"""Texts as a terminal shows them: what is visible of them, how wide they are, where they fold.

Nothing in the data reaches the terminal as a command: what is not printable is shown as `\n`,
`\x1b`, …
"""

from __future__ import annotations

from collections.abc import Iterator
from unicodedata import category

from rich.cells import cell_len

from comagic_cli.output.flatten import Cell

BOLD, DIM = "1", "2"
JOINERS = frozenset("\u200c\u200d")  # unprintable, but parts of emoji and of some scripts
JOINED = frozenset({"So", "Sk", "Lo", "Mc"})  # emoji, their tones, letters of such scripts
EMOJI_FOLLOWS = "\ufe0f"
UNSEEN = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, formats, line and paragraph separators


def visible(cell: Cell) -> str:
    """Return a cell's text with what is not printable shown as Python would escape it."""
    text = "" if cell is None else str(cell)
    if text.isprintable():
        return text
    return "".join(map(_shown, text, f" {text}", f"{text[1:]} "))


def _shown(character: str, before: str, after: str) -> str:
    if category(character) not in UNSEEN or _joins(character, before, after):
        return character
    return character.encode("unicode_escape").decode()


def _joins(character: str, before: str, after: str) -> bool:
    """Tell whether it joins its neighbours: elsewhere terminals differ in what they make of it."""
    joined = category(before) in JOINED or before == EMOJI_FOLLOWS
    return character in JOINERS and joined and category(after) in JOINED


def size(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return len(text) if text.isascii() else cell_len(text)


def pad(text: str, width: int, right: bool) -> str:  # noqa: FBT001 - as a column has it
    """Fill a text up to a width with blanks, before it or after it."""
    blanks = " " * (width - size(text))
    return blanks + text if right else text + blanks


def fold(text: str, width: int, breaks: str = " ") -> list[str]:
    """Cut a text into lines of at most `width` cells, after one of `breaks` where it can be.

    A blank where a line is full hangs over. A character wider than the width has its own line.
    """
    if size(text) <= width:
        return [text]
    lines = []
    start = cut = used = 0
    for begin, end in _clusters(text):
        cells = size(text[begin:end])
        if used + cells > width and begin > start and text[begin:end] != " ":
            stop = cut if cut > start else begin
            lines.append(text[start:stop].rstrip(" "))
            start, used = stop, size(text[stop:begin])
        used += cells
        cut = end if text[end - 1] in breaks else cut
    return [*lines, text[start:].rstrip(" ")]


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Find the characters as they are seen: with what combines with or is joined to them."""
    start = 0
    for place in range(1, len(text)):
        if text[place - 1] != "\u200d" and size(text[place]):
            yield start, place
            start = place
    yield start, len(text)


def shade(line: str, style: str, *, color: bool) -> str:
    """Make a line bold or dim where escape sequences are allowed."""
    return f"\x1b[{style}m{line}\x1b[0m" if color else line
