"""How values are shown to a person: printable text, short durations, colours of statuses."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from unicodedata import category

from comagic_cli.formats.flatten import ENUM, Cell
from comagic_cli.query.catalog import Field

JOINERS = frozenset("\u200c\u200d")  # not printable, but parts of emoji and of some scripts
JOINED = frozenset({"So", "Sk", "Lo", "Mc"})  # emoji, their skin tones, letters of such scripts
EMOJI_SELECTOR = "\ufe0f"
ESCAPED = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, formats, line and paragraph separators

TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
CLOCK = re.compile(r"(\d+):([0-5]\d):([0-5]\d)", re.ASCII)
DAY, YEAR = len("2026-10-05 "), len("2026-")
HOUR, MINUTE = 3600, 60

BAD, WAITING, GOOD = "red", "magenta", "green"  # visible on dark and on light terminals
# Words of a value or of its id, in lower case and without the dots of the Russian letter. The first
# match decides, so that "not answered" is bad although "answered" is good.
_STATUS_WORDS = {
    BAD: r"lost|missed|no[t_ ]+answer|not_processed|unanswered|unsuccessful|abandoned|busy|error"
    r"|fail|reject|declined|cancell?ed|timeout|bad_|denied|потерян|пропущен|нет ответа"
    r"|не отвеч|не обработан|не ?успеш|занято|ошибк|сбой|отклонен|отменен|превышен|неверн",
    WAITING: r"\bactive\b|queued|pending|in_(work|progress)|активен|в очереди|в работе|ожида",
    GOOD: r"\bsuccess|\banswered|\breceived|\bprocessed|\bsent\b|delivered|completed|\bclosed\b"
    r"|успешн|обработан|отправлен|доставлен|завершен\b|принят|состоял",
}
_STATUSES = [(color, re.compile(words)) for color, words in _STATUS_WORDS.items()]


def escape_controls(cell: Cell) -> str:
    """Return a cell's text with unprintable characters escaped as in Python."""
    text = "" if cell is None else str(cell)
    if text.isprintable():
        return text
    return "".join(map(_escape, text, f" {text}", f"{text[1:]} "))


def _escape(character: str, before: str, after: str) -> str:
    if category(character) not in ESCAPED or _is_joiner(character, before, after):
        return character
    return character.encode("unicode_escape").decode()


def _is_joiner(character: str, before: str, after: str) -> bool:
    """Return whether it joins two characters; terminals show a lone joiner differently."""
    is_joined = category(before) in JOINED or before == EMOJI_SELECTOR
    return character in JOINERS and is_joined and category(after) in JOINED


def is_coded(field: Field) -> bool:
    """Return whether the catalogue says that a field is one of a list of values."""
    names = {member.name for member in field.members}
    return field.type == "object" and names <= ENUM and field.name != "tags"


def status_color(value: Any) -> str:
    """Return the colour of `{value, value_id}`; "" where it is neither good nor bad."""
    if not isinstance(value, dict):
        return ""
    words = f"{value.get('value_id')} {value.get('value')}".lower().replace("ё", "е")  # noqa: RUF001 - Russian
    return next((color for color, known in _STATUSES if known.search(words)), "")


def is_duration(field: Field) -> bool:
    """Return whether a field's numbers are seconds."""
    return field.type == "duration" or (field.type == "number" and field.name.endswith("_duration"))


def shorten_duration(cell: Cell) -> str:
    """Write seconds or HH:MM:SS as M:SS or H:MM:SS, and anything else as it is."""
    if isinstance(cell, str) and (clock := CLOCK.fullmatch(cell)):
        hours, minutes, seconds = map(int, clock.groups())
        return format_duration(hours * HOUR + minutes * MINUTE + seconds)
    return format_duration(cell) if type(cell) is int and cell >= 0 else escape_controls(cell)


def format_duration(seconds: int) -> str:
    """Write seconds as M:SS, or as H:MM:SS from an hour."""
    minutes, second = divmod(seconds, MINUTE)
    hours, minute = divmod(minutes, MINUTE)
    return f"{hours}:{minute:02}:{second:02}" if hours else f"{minute}:{second:02}"


def common_prefix(times: Sequence[str]) -> str:
    """Return the day, else the year, that several times begin with, else ""."""
    known = [time for time in times if time]
    if len(known) < 2 or not all(map(TIME.fullmatch, known)):  # noqa: PLR2004 - one shares nothing
        return ""
    least, most = min(known), max(known)
    return next((least[:cut] for cut in (DAY, YEAR) if least[:cut] == most[:cut]), "")
