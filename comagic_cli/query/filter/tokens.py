"""The words of a filter expression, each with its place; what a word may be depends on where."""

from __future__ import annotations

import re
from dataclasses import dataclass

BLANKS = re.compile(r"\s*")
NAME = re.compile(r"""[^\s,()'"=<>!]+""")
SIGN = re.compile(r"[=<>!]+")
MARK = re.compile(r"[(),]")
QUOTED = re.compile(r"""'((?:[^']|'')*)'|"((?:[^"]|"")*)\"""")
WORD = re.compile(r"[^\s,()]+")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TIME = re.compile(r"\s+([0-9]{1,2}:[0-9:]+)(?=[\s,()]|$)")
QUOTE_IT = "Quote a value that has blanks, commas or parentheses: 'two words'."


class Misread(Exception):
    """Say what is wrong with an expression, from where to where, and what to do."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression: what it says, and from where to where it stands."""

    text: str
    start: int
    end: int
    quoted: bool = False

    def wrong(self, message: str, hint: str = "") -> Misread:
        """Make the error that points at it."""
        return Misread(message, self.start, self.end, hint)

    @property
    def bare(self) -> str:
        """Return the word in lower case, "" for what is quoted: keywords are told so."""
        return "" if self.quoted else self.text.lower()


class Scanner:
    """Take words from a text, one after another; blanks before them are passed over."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0

    def name(self) -> Token | None:
        """Take a field's name, or an operator or conjunction that is a word."""
        return self._take(NAME)

    def peek(self) -> str:
        """Return the next such word in lower case without taking it; "" where there is none."""
        found = NAME.match(self.text, self.place)
        return found[0].lower() if found else ""

    def sign(self) -> Token | None:
        """Take an operator that is made of signs."""
        return self._take(SIGN)

    def mark(self, wanted: str) -> Token | None:
        """Take a parenthesis or comma, if it is the next."""
        return self._take(MARK) if self.text.startswith(wanted, self.place) else None

    def value(self) -> Token | None:
        """Take a value: quoted, a date with its time, or a word; `None` where there is none."""
        start = self.place
        if self.text.startswith(("'", '"'), start):
            return self._quoted(start)
        if not (word := self._take(WORD)):
            return None
        time = TIME.match(self.text, word.end) if DATE.fullmatch(word.text) else None
        if not time:
            return word
        self._at = time.end()
        return Token(f"{word.text} {time[1]}", start, self._at)

    def rest(self) -> Token:
        """Return what stands next, whatever it is, or the place after the last word."""
        start = self.place
        if start == len(self.text):
            start = len(self.text.rstrip())
            return Token("", start, start)
        found = MARK.match(self.text, start) or WORD.match(self.text, start)
        return Token(found[0], start, found.end()) if found else Token("", start, start)

    @property
    def place(self) -> int:
        """The place of the next word."""
        found = BLANKS.match(self.text, self._at)
        return found.end() if found else self._at

    def _take(self, pattern: re.Pattern[str]) -> Token | None:
        found = pattern.match(self.text, self.place)
        if not found:
            return None
        self._at = found.end()
        return Token(found[0], found.start(), found.end())

    def _quoted(self, start: int) -> Token:
        mark = self.text[start]
        found = QUOTED.match(self.text, start)
        if not found:
            raise Misread(f"the quote is not closed: {mark} is missing", start, len(self.text))
        self._at = end = found.end()
        after = WORD.match(self.text, end)
        if after:
            hint = f"Double a quote that is part of the value: {mark}a{mark * 2}b{mark}."
            raise Misread(f"{after[0]!r} stands right after the quote", end, after.end(), hint)
        return Token(found[0][1:-1].replace(mark * 2, mark), start, end, quoted=True)
