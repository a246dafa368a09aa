"""The tokens of a filter expression. What a token can be depends on its place in the grammar."""

from __future__ import annotations

import re
from dataclasses import dataclass

BLANKS = re.compile(r"\s*")
NAME = re.compile(r"""[^\s,()'"=<>!]+""")
SIGN = re.compile(r"[=<>!]+")
MARK = re.compile(r"[(),]")
QUOTED = re.compile(r"""'((?:[^']|'')*)'|"((?:[^"]|"")*)\"""")
WORD = re.compile(r"[^\s,()]+")
DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}|[0-9]{1,2}\.[0-9]{1,2}\.(?:[0-9]{4}|[0-9]{2})")
TIME = re.compile(r"\s+([0-9]{1,2}:[0-9:.]+(?:[zZ]|[+-][0-9:]+)?)(?=[\s,()]|$)")
QUOTE_IT = "Quote a value that has blanks, commas or parentheses: 'two words'."


class FilterSyntaxError(Exception):
    """An expression has a mistake between two places of its text; `hint` says what to do."""

    def __init__(self, message: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.start = start
        self.end = end
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression, and where in the text it begins and ends."""

    text: str
    start: int
    end: int
    quoted: bool = False

    def error(self, message: str, hint: str = "") -> FilterSyntaxError:
        """Make an error that points at it."""
        return FilterSyntaxError(message, self.start, self.end, hint)

    @property
    def keyword(self) -> str:
        """Return the word in lower case, to compare with keywords; "" if it is quoted."""
        return "" if self.quoted else self.text.lower()


class Scanner:
    """Take tokens from a text, one after another, and skip blanks."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._at = 0

    def name(self) -> Token | None:
        """Take a field's name, or an operator or conjunction that is a word."""
        return self._take(NAME)

    def quoted(self) -> Token | None:
        """Take a quoted text: the title of a field."""
        start = self.place
        return self._quoted(start) if self.text.startswith(("'", '"'), start) else None

    def peek(self) -> str:
        """Return the next name in lower case without taking it; "" if there is none."""
        found = NAME.match(self.text, self.place)
        return found[0].lower() if found else ""

    def sign(self) -> Token | None:
        """Take an operator made of signs."""
        return self._take(SIGN)

    def mark(self, wanted: str) -> Token | None:
        """Take a parenthesis or a comma, if it is next."""
        return self._take(MARK) if self.text.startswith(wanted, self.place) else None

    def value(self) -> Token | None:
        """Take a value: quoted, a date with its time, or a word; `None` if there is none."""
        start = self.place
        if quoted := self.quoted():
            return quoted
        if not (word := self._take(WORD)):
            return None
        time = TIME.match(self.text, word.end) if DATE.fullmatch(word.text) else None
        if not time:
            return word
        self._at = time.end()
        return Token(f"{word.text} {time[1]}", start, self._at)

    def rest(self) -> Token:
        """Return the next word of any kind, or the place after the last one, without taking it."""
        start = self.place
        if start == len(self.text):
            start = len(self.text.rstrip())
            return Token("", start, start)
        found = MARK.match(self.text, start) or WORD.match(self.text, start)
        return Token(found[0], start, found.end()) if found else Token("", start, start)

    @property
    def place(self) -> int:
        """Return the place of the next word."""
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
            raise FilterSyntaxError(
                f"the quote is not closed: {mark} is missing", start, len(self.text)
            )
        self._at = end = found.end()
        after = WORD.match(self.text, end)
        if after:
            hint = f"Double a quote that is part of the value: {mark}a{mark * 2}b{mark}."
            raise FilterSyntaxError(
                f"{after[0]!r} directly follows the quote", end, after.end(), hint
            )
        return Token(found[0][1:-1].replace(mark * 2, mark), start, end, quoted=True)
