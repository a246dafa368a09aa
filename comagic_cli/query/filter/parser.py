"""The language of filters, read by recursive descent; keywords may be in upper case.

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

A word ends at a blank, a comma or a parenthesis. In a quoted text the quote is doubled. A date may
have its time after a blank. `null` stands only after `is`, `=` and `!=`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TypeAlias

from comagic_cli.query.filter.tokens import QUOTE_IT, Misread, Scanner, Token

SIGNS = ("=", "!=", "<", ">", "<=", ">=")
WORDS = ("like", "ilike", "regexp", "jsquery", "in", "overlap", "is")
NEGATED = frozenset({"like", "ilike", "in", "overlap"})
TYPED = (*WORDS, "not", *(f"not {one}" for one in sorted(NEGATED)), "is null", "is not null")
KEYWORDS = frozenset({"and", "or", "not"})  # to be quoted, where they are values
OPERATORS = f"Operators: {', '.join((*SIGNS, *WORDS))}; not before {', '.join(sorted(NEGATED))}."
NOT_BEFORE = f"not stands only before {', '.join(sorted(NEGATED))}; else write != or is not null."
MEANT = {"==": "=", "===": "=", "<>": "!=", "=<": "<=", "=>": ">=", "&&": "and", "||": "or"}
DEEPEST = 50  # parentheses in parentheses; nobody means more


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition as typed; `operator` is the API's name for `typed`."""

    field: Token
    operator: str
    typed: Token
    values: tuple[Token, ...] = ()

    @property
    def start(self) -> int:
        """Where it begins."""
        return self.field.start

    @property
    def end(self) -> int:
        """Where it ends, but for a list's parenthesis."""
        return (self.values or (self.typed,))[-1].end


@dataclass(frozen=True, slots=True)
class Joined:
    """Parts joined by `and` or `or`, two at least."""

    condition: str
    parts: tuple[Expression, ...]
    start: int
    end: int


Expression: TypeAlias = "Condition | Joined"


def parse(text: str) -> Expression:
    """Read a whole expression. Raises `Misread`."""
    scanner = Scanner(text)
    if not text.strip():
        raise Misread(
            "the filter is empty", 0, 0, "Example: --where 'FIELD > 60'; see comagic help filters."
        )
    read = _any_of(scanner, 0)
    rest = scanner.rest()
    if rest.text:
        raise _stray(rest)
    return read


def _stray(rest: Token) -> Misread:
    if rest.text == ")":
        return rest.wrong("this parenthesis closes nothing")
    if word := MEANT.get(rest.text):
        return rest.wrong(f"there is no {rest.text!r} here", f"Write {word}.")
    return rest.wrong(f"and, or or the end was expected, not {rest.text!r}", QUOTE_IT)


def _any_of(scanner: Scanner, depth: int) -> Expression:
    return _joined(scanner, "or", lambda: _all_of(scanner, depth))


def _all_of(scanner: Scanner, depth: int) -> Expression:
    return _joined(scanner, "and", lambda: _part(scanner, depth))


def _joined(scanner: Scanner, word: str, read: Callable[[], Expression]) -> Expression:
    parts = [read()]
    while scanner.peek() == word:
        scanner.name()
        parts.append(read())
    if len(parts) == 1:
        return parts[0]
    return Joined(word, tuple(parts), parts[0].start, parts[-1].end)


def _part(scanner: Scanner, depth: int) -> Expression:
    if not (opened := scanner.mark("(")):
        return _condition(scanner)
    if depth == DEEPEST:
        raise opened.wrong(f"more than {DEEPEST} parentheses stand in each other")
    inner = _any_of(scanner, depth + 1)
    if not (closed := scanner.mark(")")):
        raise _not_closed(scanner, opened)
    if isinstance(inner, Joined):
        return replace(inner, start=opened.start, end=closed.end)
    return inner


def _not_closed(scanner: Scanner, opened: Token) -> Misread:
    rest = scanner.rest()
    return _stray(rest) if rest.text else opened.wrong("this parenthesis is not closed")


def _condition(scanner: Scanner) -> Condition:
    field = _field(scanner)
    if sign := scanner.sign():
        return _compared(scanner, field, sign)
    word = scanner.name()
    if not word:
        rest = scanner.rest()
        raise rest.wrong(f"an operator is missing after {field.text}", OPERATORS)
    if word.bare == "not":
        return _negated(scanner, field, word)
    if word.bare not in WORDS:
        raise _no_operator(word)
    if word.bare == "is":
        return _null(scanner, field, word)
    return Condition(field, word.bare, word, _operands(scanner, word))


def _field(scanner: Scanner) -> Token:
    found = scanner.name()
    if not found:
        rest = scanner.rest()
        quoted = rest.text[:1] in {"'", '"'}
        raise rest.wrong("a field is missing", "A field's name has no quotes." if quoted else "")
    if found.bare in KEYWORDS:
        hint = NOT_BEFORE if found.bare == "not" else ""
        raise found.wrong(f"a field is missing before {found.text!r}", hint)
    return found


def _compared(scanner: Scanner, field: Token, sign: Token) -> Condition:
    if sign.text not in SIGNS:
        meant = MEANT.get(sign.text)
        raise sign.wrong(
            f"there is no operator {sign.text}", f"Write {meant}." if meant else OPERATORS
        )
    value = _value(scanner, sign)
    if value.bare != "null":
        return Condition(field, sign.text, sign, (value,))
    if sign.text not in {"=", "!="}:
        raise value.wrong("null has no order", "Write is null or is not null.")
    return Condition(field, "is_null" if sign.text == "=" else "is_not_null", sign)


def _negated(scanner: Scanner, field: Token, first: Token) -> Condition:
    word = scanner.name()
    if not word or word.bare not in NEGATED:
        wrong = word or scanner.rest()
        raise wrong.wrong(f"there is no operator not {wrong.text}".rstrip(), NOT_BEFORE)
    typed = Token(f"not {word.bare}", first.start, word.end)
    return Condition(field, f"not_{word.bare}", typed, _operands(scanner, word))


def _no_operator(word: Token) -> Misread:
    near = get_close_matches(word.bare.replace("_", " "), TYPED, 1)
    meant = MEANT.get(word.text) or "".join(near)
    hint = f"Did you mean {meant}?" if meant else OPERATORS
    return word.wrong(f"{word.text!r} is no operator", hint)


def _null(scanner: Scanner, field: Token, first: Token) -> Condition:
    word = scanner.name()
    negated = word is not None and word.bare == "not"
    last = scanner.name() if negated else word
    if not last or last.bare != "null":
        raise (last or scanner.rest()).wrong(
            "after is there is only null or not null", "Write is null, is not null, or = VALUE."
        )
    typed = Token("is", first.start, last.end)
    return Condition(field, "is_not_null" if negated else "is_null", typed)


def _operands(scanner: Scanner, word: Token) -> tuple[Token, ...]:
    """Read what stands after an operator that is a word."""
    listed = scanner.mark("(") if word.bare in {"in", "overlap"} else None
    if listed:
        return _list(scanner, listed)
    if word.bare == "in":
        raise scanner.rest().wrong("in takes a list", "Write in ('a', 'b').")
    return (_not_null(_value(scanner, word)),)


def _list(scanner: Scanner, opened: Token) -> tuple[Token, ...]:
    values = [_not_null(_value(scanner, opened))]
    while scanner.mark(","):
        values.append(_not_null(_value(scanner, opened)))
    if scanner.mark(")"):
        return tuple(values)
    rest = scanner.rest()
    if rest.text:
        raise rest.wrong(f"a comma or parenthesis was expected, not {rest.text!r}", QUOTE_IT)
    raise opened.wrong("this list is not closed")


def _not_null(value: Token) -> Token:
    if value.bare == "null":
        raise value.wrong("null can't stand here", "Write is null, or 'null' for the text.")
    return value


def _value(scanner: Scanner, before: Token) -> Token:
    if scanner.peek() in KEYWORDS:
        word = scanner.rest()
        raise word.wrong(
            f"a value is missing before {word.text!r}",
            f"If it is the value, quote it: '{word.text}'.",
        )
    value = scanner.value()
    if not value:
        raise scanner.rest().wrong(f"a value is missing after {before.text}")
    return value
