"""Prepare text of the service for messages: redact secrets, flatten to one line, truncate."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from urllib.parse import quote, quote_plus

MASK = "***"
PREVIEW_BYTES = 1 << 14  # of a body that are looked at
LONGEST_SECRET = 1 << 11  # characters, when escaped: a cut may leave a part of a secret
TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>?", re.DOTALL | re.IGNORECASE)

Redact = Callable[[str], str]


@lru_cache(maxsize=8)
def redactor(secrets: tuple[str, ...]) -> Redact:
    """Return a function that replaces secrets by `***`: as they are, and escaped for JSON or URLs.

    Letters match in any case. Longer forms match first, because one secret may contain another.
    """
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    if not forms:
        return str
    longest_first = sorted(forms, key=len, reverse=True)
    pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)
    return lambda text: pattern.sub(MASK, text)


def _forms(secret: str) -> Iterator[str]:
    """Yield every way in which JSON and URLs write a secret."""
    for ensure_ascii in (True, False):
        text = json.dumps(secret, ensure_ascii=ensure_ascii)[1:-1]
        yield from (text, text.replace("/", "\\/"))
    yield from (secret, quote(secret), quote(secret, safe=""), quote_plus(secret))


def one_line(text: str, max_length: int = 400) -> str:
    """Join the lines of a text, drop control characters, and truncate it."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= max_length else line[: max_length - 1] + "…"


def preview(body: bytes | bytearray, redact: Redact, max_length: int = 80) -> str:
    """Return the beginning of a body without tags; "" if it is not text."""
    try:
        text = bytes(body[:PREVIEW_BYTES]).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(body) <= PREVIEW_BYTES or error.start < PREVIEW_BYTES - 3:
            return ""
        text = bytes(body[: error.start]).decode("utf-8-sig")  # the cut split a character
    text = redact(text)
    if len(body) > PREVIEW_BYTES:
        text = text[:-LONGEST_SECRET]
    return one_line(TAGS.sub(" ", text) if is_markup(body) else text, max_length)


def is_markup(body: bytes | bytearray) -> bool:
    """Check if a body is HTML or XML."""
    return bytes(body[:100]).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")
