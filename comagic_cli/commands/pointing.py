"""Where in what was typed a mistake is: the text, and carets under the place."""

from __future__ import annotations

import shutil
import sys

from rich.cells import cell_len

from comagic_cli.errors import Place

INDENT = "  "
NO_TERMINAL = 120  # cells of a line where there is no terminal


def pointed(place: Place, width: int | None = None) -> tuple[str, ...]:
    """Return the text on one line of at most `width` cells, and carets under the place.

    What is cut off, left or right, is shown as `…`. A text that shows nothing gets no lines.
    """
    text = "".join(char if char.isprintable() else " " for char in place.text)
    if not text.strip():
        return ()
    room = (width or _width()) - len(INDENT) - 1
    left, right = _shown(text, place, room)
    before = "…" * (left > 0) + text[left : place.start]
    after = text[place.start : right] + "…" * (right < len(text))
    marked = max(1, cell_len(text[place.start : min(place.end, right)]))
    return (
        f"{INDENT}{before}{after}",
        f"{INDENT}{' ' * cell_len(before)}{'^' * marked}",
    )


def _width() -> int:
    terminal = sys.stderr is not None and not sys.stderr.closed and sys.stderr.isatty()
    return shutil.get_terminal_size().columns if terminal else NO_TERMINAL


def _shown(text: str, place: Place, room: int) -> tuple[int, int]:
    """Choose what of a text is shown: all if it fits, else what surrounds the place."""
    if cell_len(text) < room:
        return 0, len(text)
    room -= 2  # the two signs of a cut
    left = right = place.start
    while left and cell_len(text[left - 1 : place.start]) <= room // 3:
        left -= 1
    while right < len(text) and cell_len(text[left : right + 1]) <= room:
        right += 1
    while left and cell_len(text[left - 1 : right]) <= room:
        left -= 1
    return left, right
