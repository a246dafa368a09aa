"""The parser of filter expressions, by recursive descent; keywords can be in upper case.

    expr      := all ("or" all)*
    all       := part ("and" part)*
    part      := "(" expr ")" | condition
    condition := FIELD ("=" | "!=" | "<" | ">" | "<=" | ">=") value
               | FIELD "is" ["not"] "null"
               | FIELD ["not"] ("like" | "ilike") value
               | FIELD ("regexp" | "jsquery") value
               | FIELD ["not"] "in" list
               | FIELD ["not"] "overlap" (value | list)
    list      := "(" value ("," value)* ")"
    value     := 'text' | "text" | number | word | date | true | false | null

A field is a name, or a title: in quotes, or words before an operator. A word ends at a blank, a
comma or a parenthesis. In a quoted text the quote is doubled. A date may
have its time after a blank. `null` is allowed only after `is`, `=` and `!=`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeAlias

from comagic_cli.query.filter.tokens import QUOTE_IT, FilterSyntaxError, Scanner, Token

SIGNS = ("=", "!=", "<", ">", "<=", ">=")
WORDS = ("like", "ilike", "regexp", "jsquery", "in", "overlap", "is")
NEGATED = frozenset({"like", "ilike", "in", "overlap"})
TYPED = (*WORDS, "not", *(f"not {one}" for one in sorted(NEGATED)), "is null", "is not null")
DECIMAL = re.compile(r"\b[0-9]+$")  # before a comma that was meant for a point
FRACTION = re.compile(r",([0-9]+[a-z]*)\b")
KEYWORDS = frozenset({"and", "or", "not"})  # to be quoted, where they are values
OPERATORS = f"Operators: {', '.join((*SIGNS, *WORDS))}; not before {', '.join(sorted(NEGATED))}."
NOT_HINT = f"not goes only before {', '.join(sorted(NEGATED))}; otherwise write != or is not null."
COMMON_MISTAKES = {
    "==": "=",
    "===": "=",
    "<>": "!=",
    "=<": "<=",
    "=>": ">=",
    "&&": "and",
    "||": "or",
    "и": "and",
    "или": "or",
    "не": "not",
    "равно": "=",
}
QUOTE_TITLE = "Quote a title that has commas or parentheses: 'one, two' = VALUE."
UNITS = re.compile(r"[smh]|(sec|min|hour|сек|мин|час)\w*", re.IGNORECASE)
MAX_DEPTH = 50  # parentheses in parentheses; nobody means more


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as typed; `operator` is the API's name for `typed`."""

    field: Token
    operator: str
    typed: Token
    values: tuple[Token, ...] = ()

    @property
    def start(self) -> int:
        """Return where it begins."""
        return self.field.start

    @property
    def end(self) -> int:
        """Return where it ends, without the parenthesis of a list."""
        return (self.values or (self.typed,))[-1].end


@dataclass(frozen=True, slots=True)
class BoolOp:
    """At least two parts joined by `and` or `or`."""

    condition: str
    parts: tuple[Expression, ...]
    start: int
    end: int


Expression: TypeAlias = "Condition | BoolOp"


def parse(text: str) -> Expression:
    """Parse a whole expression. Raises `FilterSyntaxError`."""
    scanner = Scanner(text)
    if not text.strip():
        raise FilterSyntaxError(
            "the filter is empty", 0, 0, "Example: --where 'FIELD > 60'; see comagic help filters."
        )
    read = _parse_or(scanner, 0)
    rest = scanner.rest()
    if rest.text:
        raise _stray(rest, text)
    return read


def _stray(rest: Token, text: str) -> FilterSyntaxError:
    if rest.text == ")":
        return rest.error("this parenthesis was not opened")
    if word := COMMON_MISTAKES.get(rest.text.lower()):
        return rest.error(f"there is no {rest.text!r} here", f"Write {word}.")
    if UNITS.fullmatch(rest.text):
        hint = "Write a duration without a blank: 90s, 5m or 2h."
        return rest.error(f"{rest.text!r} does not belong to the value", hint)
    number = DECIMAL.search(text, 0, rest.start)
    fraction = FRACTION.match(text, rest.start)
    hint = f"Write {number[0]}.{fraction[1]}." if number and fraction else QUOTE_IT
    return rest.error(f"and, or or the end was expected, not {rest.text!r}", hint)


def _parse_or(scanner: Scanner, depth: int) -> Expression:
    return _parse_bool_op(scanner, "or", lambda: _parse_and(scanner, depth))


def _parse_and(scanner: Scanner, depth: int) -> Expression:
    return _parse_bool_op(scanner, "and", lambda: _parse_part(scanner, depth))


def _parse_bool_op(scanner: Scanner, word: str, read: Callable[[], Expression]) -> Expression:
    parts = [read()]
    while scanner.peek() == word:
        scanner.name()
        parts.append(read())
    if len(parts) == 1:
        return parts[0]
    return BoolOp(word, tuple(parts), parts[0].start, parts[-1].end)


def _parse_part(scanner: Scanner, depth: int) -> Expression:
    if not (opened := scanner.mark("(")):
        return _parse_condition(scanner)
    if depth == MAX_DEPTH:
        raise opened.error(f"more than {MAX_DEPTH} nested parentheses")
    inner = _parse_or(scanner, depth + 1)
    if not (closed := scanner.mark(")")):
        raise _not_closed(scanner, opened)
    if isinstance(inner, BoolOp):
        return replace(inner, start=opened.start, end=closed.end)
    return inner


def _not_closed(scanner: Scanner, opened: Token) -> FilterSyntaxError:
    rest = scanner.rest()
    return (
        _stray(rest, scanner.text) if rest.text else opened.error("this parenthesis is not closed")
    )


def _parse_condition(scanner: Scanner) -> Condition:
    field = _parse_title(scanner, _parse_field(scanner))
    if sign := scanner.sign():
        return _parse_comparison(scanner, field, sign)
    word = scanner.name()
    if not word:
        rest = scanner.rest()
        hint = QUOTE_TITLE if rest.text in {",", "("} else OPERATORS
        raise rest.error(f"an operator is missing after {field.text}", hint)
    if word.keyword == "not":
        return _parse_negated(scanner, field, word)
    if word.keyword == "between":
        raise _between(scanner, field, word)
    if word.keyword not in WORDS:
        raise _no_operator(word)
    if word.keyword == "is":
        return _parse_null(scanner, field, word)
    return Condition(field, word.keyword, word, _parse_values(scanner, word))


def _parse_field(scanner: Scanner) -> Token:
    found = scanner.name() or scanner.quoted()
    if not found or not found.text.strip():
        raise (found or scanner.rest()).error("a field is missing")
    if found.keyword in KEYWORDS or found.keyword in COMMON_MISTAKES:
        hint = NOT_HINT if found.keyword in {"not", "не"} else ""
        raise found.error(f"a field is missing before {found.text!r}", hint)
    return found


def _parse_title(scanner: Scanner, first: Token) -> Token:
    """Add the other words of a title without quotes, if an operator follows them."""
    ahead, last = copy(scanner), first
    while (word := ahead.peek()) and word not in {*KEYWORDS, *WORDS, "between"}:
        last = ahead.name() or last
    is_title = bool(word) or ahead.sign() is not None
    if not is_title or word in {"and", "or"} or first.quoted or last.keyword in COMMON_MISTAKES:
        return first
    while scanner.place < last.start:
        scanner.name()
    if last is not first:
        scanner.name()
    return Token(scanner.text[first.start : last.end], first.start, last.end)


def _between(scanner: Scanner, field: Token, word: Token) -> FilterSyntaxError:
    """Return the error for `between`, with the two conditions that it means."""
    first, _, last = scanner.value(), scanner.name(), scanner.value()
    low = scanner.text[first.start : first.end] if first else "10"
    high = scanner.text[last.start : last.end] if last else "20"
    name = scanner.text[field.start : field.end]
    return word.error(
        f"{word.text!r} is not an operator", f"Write {name} >= {low} and {name} <= {high}."
    )


def _parse_comparison(scanner: Scanner, field: Token, sign: Token) -> Condition:
    if sign.text not in SIGNS:
        meant = COMMON_MISTAKES.get(sign.text)
        raise sign.error(
            f"there is no operator {sign.text}", f"Write {meant}." if meant else OPERATORS
        )
    value = _parse_value(scanner, sign)
    if value.keyword != "null":
        return Condition(field, sign.text, sign, (value,))
    if sign.text not in {"=", "!="}:
        raise value.error("null cannot be compared by order", "Write is null or is not null.")
    return Condition(field, "is_null" if sign.text == "=" else "is_not_null", sign)


def _parse_negated(scanner: Scanner, field: Token, first: Token) -> Condition:
    word = scanner.name()
    if not word or word.keyword not in NEGATED:
        wrong = word or scanner.rest()
        raise wrong.error(f"there is no operator not {wrong.text}".rstrip(), NOT_HINT)
    typed = Token(f"not {word.keyword}", first.start, word.end)
    return Condition(field, f"not_{word.keyword}", typed, _parse_values(scanner, word))


def _no_operator(word: Token) -> FilterSyntaxError:
    near = get_close_matches(word.keyword.replace("_", " "), TYPED, 1)
    meant = COMMON_MISTAKES.get(word.keyword) or "".join(near)
    hint = f"Did you mean {meant}?" if meant else OPERATORS
    return word.error(f"{word.text!r} is not an operator", hint)


def _parse_null(scanner: Scanner, field: Token, first: Token) -> Condition:
    word = scanner.name()
    negated = word is not None and word.keyword == "not"
    last = scanner.name() if negated else word
    if not last or last.keyword != "null":
        raise (last or scanner.rest()).error(
            "'is' must be followed by 'null' or 'not null'",
            "Write is null, is not null, or = VALUE.",
        )
    typed = Token("is", first.start, last.end)
    return Condition(field, "is_not_null" if negated else "is_null", typed)


def _parse_values(scanner: Scanner, word: Token) -> tuple[Token, ...]:
    """Parse the values after an operator that is a word."""
    listed = scanner.mark("(") if word.keyword in {"in", "overlap"} else None
    if listed:
        return _parse_list(scanner, listed)
    if word.keyword == "in":
        raise scanner.rest().error("in takes a list", "Write in ('a', 'b').")
    return (_not_null(_parse_value(scanner, word)),)


def _parse_list(scanner: Scanner, opened: Token) -> tuple[Token, ...]:
    values = [_not_null(_parse_value(scanner, opened))]
    while scanner.mark(","):
        values.append(_not_null(_parse_value(scanner, opened)))
    if scanner.mark(")"):
        return tuple(values)
    rest = scanner.rest()
    if rest.text:
        raise rest.error(f"a comma or parenthesis was expected, not {rest.text!r}", QUOTE_IT)
    raise opened.error("this list is not closed")


def _not_null(value: Token) -> Token:
    if value.keyword == "null":
        raise value.error("null is not allowed here", "Write is null, or 'null' for the text.")
    return value


def _parse_value(scanner: Scanner, before: Token) -> Token:
    if scanner.peek() in KEYWORDS:
        word = scanner.rest()
        raise word.error(
            f"a value is missing before {word.text!r}",
            f"If it is the value, quote it: '{word.text}'.",
        )
    value = scanner.value()
    if not value:
        raise scanner.rest().error(f"a value is missing after {before.text}")
    return value
