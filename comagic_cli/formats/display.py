"""How values and columns are shown to a person.

Texts are printable, durations short, statuses coloured. A table shows the most useful columns that
fit; widths are in cells of a terminal.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple
from unicodedata import category

from comagic_cli.formats.flatten import ENUM, Cell
from comagic_cli.query.catalog import Field

JOINERS = frozenset("\u200c\u200d")  # not printable, but parts of emoji and of some scripts
JOINABLE = frozenset({"So", "Sk", "Lo", "Mc"})  # emoji, their skin tones, letters of such scripts
EMOJI_SELECTOR = "\ufe0f"
CONTROLS = frozenset({"Cc", "Cf", "Zl", "Zp"})  # controls, formats, line and paragraph separators

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
    if category(character) not in CONTROLS or _is_joiner(character, before, after):
        return character
    return character.encode("unicode_escape").decode()


def _is_joiner(character: str, before: str, after: str) -> bool:
    """Check that a character joins two others; terminals show a lone joiner differently."""
    follows_emoji = category(before) in JOINABLE or before == EMOJI_SELECTOR
    return character in JOINERS and follows_emoji and category(after) in JOINABLE


def is_coded(field: Field) -> bool:
    """Check that a field is one of a list of values, by the catalogue."""
    names = {member.name for member in field.members}
    return field.type == "object" and names <= ENUM and field.name != "tags"


def status_color(value: Any) -> str:
    """Return the colour of `{value, value_id}`; "" if the status is neither good nor bad."""
    if not isinstance(value, dict):
        return ""
    words = f"{value.get('value_id')} {value.get('value')}".lower().replace("ё", "е")  # noqa: RUF001 - Russian
    return next((color for color, known in _STATUSES if known.search(words)), "")


NAMING = re.compile(r"(?:.*_)?(?:phone_number|full_name|name)")


def naming_member(field: Field) -> str:
    """Return the member that stands for each object in a list of objects; "" if there is none."""
    names = [member.name for member in field.members] if field.type == "array" else []
    naming = [name for name in names if NAMING.fullmatch(name)] if len(names) > 1 else []
    own = [name for name in naming if name.startswith(field.name.removesuffix("s"))]
    return next(iter(own + naming), "")


def name_objects(cell: Cell, member: str) -> str:
    """Write a list of objects by one member of each; return any other value unchanged."""
    try:
        values = json.loads(cell) if isinstance(cell, str) else None
        return escape_controls("; ".join(each[member] for each in values or [None]))
    except (ValueError, TypeError, KeyError):  # not such a list
        return escape_controls(cell)


def is_duration(field: Field) -> bool:
    """Check that a field's numbers are seconds."""
    return field.type == "duration" or (field.type == "number" and field.name.endswith("_duration"))


def shorten_duration(cell: Cell) -> str:
    """Write seconds or HH:MM:SS as M:SS or H:MM:SS; return any other value unchanged."""
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
    """Return the day or the year that several times have in common, or ""."""
    known = [time for time in times if time]
    if len(known) < 2 or not all(map(TIME.fullmatch, known)):  # noqa: PLR2004 - one shares nothing
        return ""
    first, last = min(known), max(known)
    return next((first[:cut] for cut in (DAY, YEAR) if first[:cut] == last[:cut]), "")


# Columns of a table

SEPARATOR = len(" │ ")
LONG = 30  # a longer text is folded before another column is hidden
FEWEST = 3  # columns; with fewer, records are shown one below the other

# Patterns that match whole names of fields, the most useful fields first. The first match gives a
# field its rank. A field that matches none has the rank `OTHERS`, one that was asked for `ASKED`.
PATTERNS = (
    r"user_id|customer_name",  # in front of the rows of several customers
    r"(call_start|chat_start|lead|deal|visit|sms|tagging|first_communication)_date_time",
    r"(api_request_start|notification_start|communication)_date_time|date_time|start_time|date",
    r"ASKED",  # what rows are sorted by or chosen by
    r"communication_type|tag_name|event_type|notification_name|api_request_method",
    r"contact_phone_number|phone_numbers|visitor_phone(s|_number)|call(ing|ed)_phone_number|(lead|deal)_name|notification_send_to",
    r"((call|chat|notification|api_request)_)?status|is_lost|(lead|deal)_current_stage",
    r"(contact_)?full_name|name|person_id|visitor_names?|crm_contact_name|(lead|deal)_contact|sms_message",
    r"(call_)?direction|text",
    r"(total|call_talk|talk|chat)_duration|deal_revenue|chat_messages_count",
    r"employees?|employee_full_name|(lead|deal)_employee|coaches|source_name|notification_channel",
    r"tags|(campaign|ac)_name|site_domain|kw|communicatons_count|visits_count",
    r"cost_sum|clicks_count|total_charge|status_stats",
    r"virtual_phone_number|call_total_duration|call_type|call_finish_reason|chat_channel_(type|name)",
    r"communication_comment|offline_message_text|call_scenario|goal_name",
    r"OTHERS",
    r"site_.*|.*_code|source_new|channel_new",
    r".*_author|.*_cc|.*_bcc|.*_login|.*_version",
    r"(.*_)?ids?|.*_(id|ids|raw)|communication_number|call_start_(date|time)|call_records",
    r".*_(html|body)|call_events|.*_events|call_scenario_actions|site_analytics",
)
ASKED, OTHERS = PATTERNS.index("ASKED"), PATTERNS.index("OTHERS")
NAMES = next(place for place, names in enumerate(PATTERNS) if "full_name" in names)
_RANKS = [re.compile(pattern) for pattern in PATTERNS]

START_PARTS = frozenset({"call_start_date", "call_start_time"})
"""Fields that replace the time of the call in reports that lack it."""


class Size(NamedTuple):
    """Widths of a column: with its whole name, with its name folded, with its values folded."""

    wide: int
    narrow: int
    least: int


class Layout(NamedTuple):
    """The columns of a grid by their indexes, their widths, and whether any value is folded."""

    places: Sequence[int]
    widths: Sequence[int]
    is_folded: bool = False

    @property
    def width(self) -> int:
        """Return the width of the grid."""
        return sum(self.widths) + SEPARATOR * max(0, len(self.widths) - 1)


class Order(NamedTuple):
    """The indexes of columns, the most useful first, and how many of them must not be hidden."""

    places: Sequence[int] = ()
    kept: int = 0


def order_columns(
    fields: Sequence[Field], texts: Sequence[Sequence[str]], asked: Collection[str] = ()
) -> Order:
    """Order columns: the most useful first, empty ones last.

    Columns of the fields named in `asked`, or with a member named there, are never hidden.
    """
    is_kept = [_is_asked(field, asked) for field in fields]
    is_empty = [any(texts) and not any(column) for column in texts]
    is_last = [empty and not kept for empty, kept in zip(is_empty, is_kept, strict=True)]
    names = {field.name for field in fields}
    first = frozenset() if "call_start_date_time" in names else START_PARTS
    ranks = [-1 if field.name in first else _rank(field.name) for field in fields]
    if not any(0 != rank < ASKED for rank in ranks):  # of a list, names come first
        ranks = [0 if rank == NAMES else rank for rank in ranks]
    ranks = [min(rank, ASKED) if kept else rank for rank, kept in zip(ranks, is_kept, strict=True)]
    places = sorted(range(len(fields)), key=lambda place: (is_last[place], ranks[place], place))
    return Order(
        places, max((at for at, place in enumerate(places, 1) if is_kept[place]), default=0)
    )


def _is_asked(field: Field, asked: Collection[str]) -> bool:
    members = (member.name for member in field.members if member.filter)
    return field.name in asked or any(name in asked for name in members)


def choose_layout(sizes: Sequence[Size], width: int, order: Order) -> Layout | None:
    """Choose the columns of a grid and their widths; `None` if no grid fits.

    If the width is too small, names are folded first, then values. Then columns are hidden, the
    last of `order` first; none if `order` has no places.
    """
    if layout := fit_columns(range(len(sizes)), sizes, width):
        return layout
    for count in range(len(order.places) - 1, max(FEWEST, order.kept) - 1, -1):
        chosen = [sizes[place] for place in order.places[:count]]
        needed = sum(min(size.narrow, max(LONG, size.least)) for size in chosen)
        if needed + SEPARATOR * (count - 1) <= width:
            return fit_columns(order.places[:count], sizes, width)
    return None


def fit_columns(places: Sequence[int], sizes: Sequence[Size], width: int) -> Layout | None:
    """Choose the widths of columns; `None` if they do not fit."""
    chosen = [sizes[place] for place in places]
    room = width - SEPARATOR * (len(chosen) - 1)
    wide, narrow, least = map(list, zip(*chosen, strict=True)) if chosen else ([], [], [])
    if sum(narrow) <= room:
        return Layout(places, share_room(wide, narrow, room))
    if sum(least) <= room:
        return Layout(places, share_room(narrow, least, room), is_folded=True)
    return None


def share_room(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Narrow the widest columns, but none below its least width, until all fit the room."""
    widths = list(least)
    for most in range(room, 0, -1):
        widths = [max(low, min(want, most)) for want, low in zip(wanted, least, strict=True)]
        if sum(widths) <= room:
            break
    return widths


def _rank(name: str) -> int:
    return next((place for place, known in enumerate(_RANKS) if known.fullmatch(name)), OTHERS)
