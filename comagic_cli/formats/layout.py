"""Which columns a table shows, in which order, and how wide they are.

Widths are in cells of a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

SEPARATOR = len(" │ ")
LONG = 30  # a longer text is folded before another column is hidden
FEWEST = 3  # columns; with fewer, records are shown one below the other instead

# Patterns that match whole names of fields, the most useful fields first. The first match gives a
# field its rank. A field that matches none has the rank `OTHERS`.
PATTERNS = (
    r"customer_id|user_id",  # in front of the rows of several customers
    r"(call_start|chat_start|lead|deal|visit|sms|tagging|first_communication)_date_time",
    r"(api_request_start|notification_start|communication)_date_time",
    r"communication_type|tag_name|event_type|notification_name|api_request_method",
    r"contact_phone_number|visitor_phones|(lead|deal)_name|notification_send_to",
    r"(call|chat|notification|api_request)_status|(lead|deal)_current_stage",
    r"contact_full_name|person_id|visitor_names|crm_contact_name|(lead|deal)_contact|sms_message",
    r"call_direction",
    r"(total|call_talk|chat)_duration|deal_revenue|chat_messages_count",
    r"employees?|employee_full_name|(lead|deal)_employee|coaches|source_name|notification_channel",
    r"tags|campaign_name|kw|communicatons_count|visits_count",
    r"virtual_phone_number|call_total_duration|call_type|call_finish_reason|chat_channel_(type|name)",
    r"communication_comment|offline_message_text|call_scenario|goal_name",
    r"OTHERS",
    r"site_.*|.*_code|source_new|channel_new",
    r".*_author|.*_cc|.*_bcc|.*_login|.*_version",
    r"(.*_)?ids?|.*_(id|ids|raw)|communication_number|call_start_(date|time)|call_records",
    r".*_(html|body)|call_events|.*_events|call_scenario_actions|site_analytics",
)
OTHERS = PATTERNS.index("OTHERS")
_RANKS = [re.compile(pattern) for pattern in PATTERNS]

START_PARTS = frozenset({"call_start_date", "call_start_time"})
"""Fields that are as useful as the time of the call in reports that lack it."""


class Size(NamedTuple):
    """Widths of a column: with its whole name, with its name folded, with its values folded."""

    wide: int
    narrow: int
    least: int


class Layout(NamedTuple):
    """The columns of a grid by their places, their widths, and whether any value is folded."""

    places: Sequence[int]
    widths: Sequence[int]
    is_folded: bool = False

    @property
    def width(self) -> int:
        """Return the width of the grid."""
        return sum(self.widths) + SEPARATOR * max(0, len(self.widths) - 1)


def order_columns(names: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    """Return the places of columns, the most useful first and those without a text last."""
    is_empty = [not any(column) for column in texts] if any(texts) else [False] * len(names)
    first = frozenset() if "call_start_date_time" in names else START_PARTS
    ranks = [-1 if name in first else _rank(name) for name in names]
    return sorted(range(len(names)), key=lambda place: (is_empty[place], ranks[place], place))


def choose_layout(sizes: Sequence[Size], width: int, order: Sequence[int]) -> Layout | None:
    """Choose the columns of a grid and their widths; `None` where no grid fits.

    Where the width is too small, names are folded first, then values. Then columns are hidden, the
    last ones of `order` first; none where that is empty.
    """
    if layout := fit(range(len(sizes)), sizes, width):
        return layout
    for count in range(len(order) - 1, FEWEST - 1, -1):
        some = [sizes[place] for place in order[:count]]
        needed = sum(min(size.narrow, max(LONG, size.least)) for size in some)
        if needed + SEPARATOR * (count - 1) <= width:
            return fit(order[:count], sizes, width)
    return None


def fit(places: Sequence[int], sizes: Sequence[Size], width: int) -> Layout | None:
    """Give columns their widths; `None` where they do not fit."""
    some = [sizes[place] for place in places]
    room = width - SEPARATOR * (len(some) - 1)
    wide, narrow, least = map(list, zip(*some, strict=True)) if some else ([], [], [])
    if sum(narrow) <= room:
        return Layout(places, share_room(wide, narrow, room))
    if sum(least) <= room:
        return Layout(places, share_room(narrow, least, room), is_folded=True)
    return None


def share_room(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Narrow the widest columns, none below its least width, until all fit the room."""
    widths = list(least)
    for most in range(room, 0, -1):
        widths = [max(low, min(want, most)) for want, low in zip(wanted, least, strict=True)]
        if sum(widths) <= room:
            break
    return widths


def _rank(name: str) -> int:
    return next((place for place, known in enumerate(_RANKS) if known.fullmatch(name)), OTHERS)
