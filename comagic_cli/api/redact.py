"""What may be said of what came: secrets masked first, then on one line, then cut."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from math import ceil

MASK = "***"
BEGINNING = 1 << 14  # bytes of a body that are looked at
LONGEST_SECRET = 1 << 11  # characters, as it is written: a cut may leave part of a secret
TAGS = re.compile(r"<(script|style)\b.*?</\1\s*>|<!--.*?-->|<[^>]*>?", re.DOTALL | re.IGNORECASE)
SPELLED = (("d", "h", 86_400, 3600), ("h", "min", 3600, 60), ("min", "s", 60, 1))

Mask = Callable[[str], str]


@lru_cache(maxsize=8)
def masker(secrets: tuple[str, ...]) -> Mask:
    """Return what puts `***` in the place of secrets: plain ones, and as others may echo them.

    Known are the escapes of URLs, JSON, Python and HTML, any of them for any character, and UTF-8
    read as Latin-1.
    """
    longest_first = sorted(filter(None, set(secrets)), key=len, reverse=True)
    if not longest_first:
        return str
    secret = re.compile("|".join(map(_pattern, longest_first)), re.IGNORECASE)
    return lambda text: secret.sub(MASK, text)


def one_line(text: str, most: int = 400) -> str:
    """Put a text on one line of at most `most` characters, without control characters."""
    shown = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return shown if len(shown) <= most else shown[: most - 1] + "…"


def spell(seconds: float) -> str:
    """Say how long that is, rounded up: `42 s`, `4 min 5 s`, `5 h 12 min`, `3 d 4 h`."""
    whole = ceil(seconds)
    for larger, smaller, size, unit in SPELLED:
        if whole >= size:
            count, rest = divmod(ceil(whole / unit) * unit, size)
            return f"{count} {larger}" + f" {rest // unit} {smaller}" * bool(rest)
    return f"{whole} s"


def excerpt(body: bytes | bytearray, mask: Mask, most: int = 80) -> str:
    """Show how a body begins, without tags; "" for what is no text."""
    try:
        text = bytes(body[:BEGINNING]).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if len(body) <= BEGINNING or error.start < BEGINNING - 3:  # more than one cut in two
            return ""
        text = bytes(body[: error.start]).decode("utf-8-sig")
    text = mask(text)
    if len(body) > BEGINNING:
        text = text[:-LONGEST_SECRET]
    return one_line(TAGS.sub(" ", text) if is_markup(body) else text, most)


def is_markup(body: bytes | bytearray) -> bool:
    """Tell whether a body is HTML or XML rather than JSON."""
    return bytes(body[:100]).removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<")


def _pattern(secret: str) -> str:
    latin = secret if secret.isascii() else secret.encode(errors="replace").decode("latin-1")
    whole = "".join(map(_written, secret))
    return whole if latin == secret else f"{whole}|{''.join(map(_written, latin))}"


def _written(char: str) -> str:
    """Match one character in every way that it may be written."""
    from html import escape  # noqa: PLC0415 - it loads all names of HTML, for what failed only

    units = char.encode("utf-16-be", "surrogatepass").hex()
    forms = [
        re.escape(char),
        "".join(f"%(?:25)*{byte:02x}" for byte in char.encode(errors="replace")),
        "".join(rf"\\+u{units[place : place + 4]}" for place in range(0, len(units), 4)),
        rf"\\+x{ord(char):02x}" if ord(char) <= 0xFF else "",  # noqa: PLR2004 - Python's \xNN
        f"&#0*{ord(char)};",
        f"&#x0*{ord(char):x};",
        re.escape(escape(char)),
        r"\+" if char == " " else "",
    ]
    return rf"\\*(?:{_either(forms)})"


def _either(forms: Iterable[str]) -> str:
    return "|".join(dict.fromkeys(filter(None, forms)))
