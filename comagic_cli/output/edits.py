"""What is done to the cells of a column where it is asked for: line breaks, formulas, commas."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

from comagic_cli.output.flatten import Cell
from comagic_cli.request.rows import Digits

Edit: TypeAlias = Callable[[Sequence[str]], Sequence[str]]

BREAK = re.compile(r"\r\n|\r|\n")
ESCAPES = str.maketrans({"\n": r"\n", "\r": r"\r", "\\": r"\\"})
STARTS = frozenset("=+-@\t\r")  # what a spreadsheet takes for the start of a formula
NUMBER = r"[+-]\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?"
PHONE = r"\+\d(?:[ ()-]*\d){4,}"
ONE = f"(?:{NUMBER}|{PHONE})"
HARMLESS = re.compile(f"{ONE}(?:[;,] ?{ONE})*", re.ASCII)  # one, or a list of them


def spaced(texts: Sequence[str]) -> Sequence[str]:
    """Make a blank of each line break: CR LF, CR or LF."""
    together = "".join(texts)
    if "\n" in together or "\r" in together:
        return [BREAK.sub(" ", text) for text in texts]
    return texts


def escaped(texts: Sequence[str]) -> Sequence[str]:
    r"""Write line breaks as `\n` and `\r`, and so a backslash as `\\`."""
    together = "".join(texts)
    if "\n" in together or "\r" in together or "\\" in together:
        return [text.translate(ESCAPES) for text in texts]
    return texts


def guarded(texts: Sequence[str]) -> Sequence[str]:
    """Put an apostrophe before what a spreadsheet would run; phones and numbers stay."""
    return [
        f"'{text}" if text[:1] in STARTS and not HARMLESS.fullmatch(text) else text
        for text in texts
    ]


def with_comma(cells: Sequence[Cell]) -> Sequence[Cell]:
    """Write a comma for the point of each number; texts stay."""
    if Digits in map(type, cells):
        return [cell.replace(".", ",") if isinstance(cell, Digits) else cell for cell in cells]
    return cells
