"""Fields of communications."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import (
    CALL,
    CHAT,
    EMAIL,
    GOAL,
    REQUEST,
    Row,
    number_of,
    one_of,
    only,
    pair,
    roll,
    salt,
    words,
)
from comagic_cli.sandbox.data.texts import full_name, mail, phone, text_of
from comagic_cli.sandbox.data.visitor import (
    page,
    site_fields,
    traffic_fields,
    unvisited,
    visited,
    visitor_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Row], Any]

LINES: Final = 40  # numbers that can be called
_ROLES = salt("roles")
_RECORD = salt("record")
_DURATION = salt("duration")


def identity(row: Row) -> int:
    """Return the communication's id."""
    return row.identity


def shown(row: Row) -> str:
    """Return the shown time."""
    return row.shown


def kind_pair(row: Row) -> dict[str, Any]:
    """Make the communication's type."""
    return {"value": words()["kinds"][row.kind], "value_id": row.kind}


def pairs_of(name: str, nothing: int = 0) -> Maker:
    """Make an object of the list of that name."""
    return pair(name, words()["pairs"][name], nothing)


def yes_no(name: str, yes: int = 50) -> Maker:
    """Make yes or no, yes in so many rows of a hundred."""
    true, false = ({"value": value, "value_id": id_} for value, id_ in words()["pairs"]["yes_no"])
    dice = number_of(name, 0, 99)
    return lambda row: true if dice(row) < yes else false


def employees(row: Row) -> list[dict[str, str]] | None:
    """Name those who took part: none, one or two, the same one twice now and then."""
    return [{"employee_full_name": name} for name in employee_names(row)] or None


def employee_names(row: Row) -> list[str]:
    """Name those who took part."""
    names, rolled = words()["employees"], roll(row, _ROLES, 4096)
    first = names[rolled % len(names)]
    second = first if rolled >> 9 == 0 else names[(rolled >> 4) % len(names)]
    return [first, second][: (0, 1, 1, 1, 1, 1, 2, 2)[rolled >> 6 & 7]]


def tags(row: Row) -> dict[str, Any] | None:
    """Make the tags: none on most, up to three."""
    count = row.hash >> 34 & 3
    if row.hash >> 40 & 1 or not count:
        return None
    known = words()["tags"]
    items = [known[(row.hash + place * 3) % len(known)] for place in range(count)]
    return {
        "items": [
            {"id": id_, "name": name} | ({"color": color} if color else {})
            for id_, name, color in items
        ],
        "communication_id": row.identity,
        "communication_type": row.kind,
    }


def seconds(row: Row) -> int:
    """Return how long the talk took; nothing came of a tenth."""
    rolled = roll(row, _DURATION, 1 << 20)
    return 0 if rolled % 10 == 0 else 5 + rolled % 97 * (rolled >> 10) % 2400


def records(row: Row) -> list[str] | None:
    """Make the ids of the recordings: none of a lost call, two now and then."""
    if not seconds(row):
        return None
    count = 2 if row.hash & 15 == 0 else 1
    return [
        f"{roll(row, _RECORD + 2 * place, 1 << 32):08x}{row.identity:x}" for place in range(count)
    ]


def line(place: int) -> str:
    """Write the n-th of our numbers."""
    return f"7495{2_120_000 + place * 11:07}"


def virtual_phone(row: Row) -> str:
    """Write the number of ours that was called."""
    return line(row.hash % LINES)


def call_status(row: Row) -> dict[str, Any]:
    """Make a received or a lost call, as the duration says."""
    value, id_ = words()["pairs"]["call_status"][0 if seconds(row) else 1]
    return {"value": value, "value_id": id_}


def communications() -> dict[str, Maker]:
    """Make the fields of all communications."""
    talk = (CALL, CHAT)
    makers = site_fields() | traffic_fields() | visited(visitor_fields())
    makers |= {
        "communication_type": kind_pair,
        "communication_id": identity,
        "communication_date_time": shown,
        "communication_kinds": kinds,
        "communication_page_url": page("page"),
        "is_communication_with_visit": _with_visit,
        "communication_number": number_of("number", 1, 5),
        "contact_phone_number": only((CALL, REQUEST), phone),
        "virtual_phone_number": only((CALL,), virtual_phone),
        "contact_full_name": full_name,
        "total_duration": only(talk, seconds),
        "tags": tags,
        "employees": only((CALL, CHAT, REQUEST, EMAIL), employees),
        "deals": _deals,
        "site_analytics": pairs_of("site_analytics", nothing=60),
    }
    return makers | _call_part() | _request_part() | chat_fields() | _mail_part()


def _with_visit(row: Row) -> dict[str, Any]:
    value, id_ = words()["pairs"]["yes_no"][1 if unvisited(row) else 0]
    return {"value": value, "value_id": id_}


def kinds(row: Row) -> list[str] | None:
    """Name the kinds of the communication: first, repeated and so on."""
    names = words()["communication_kinds"]
    return [name for place, name in enumerate(names) if row.hash >> place & 1] or None


def _deals(row: Row) -> list[dict[str, Any]] | None:
    stages = words()["stages"]
    return [
        {"ext_id": str(row.hash >> 30 & 0xFFFF), "date_time": row.shown, "current_stage": stages[i]}
        for i in range((row.hash >> 50 & 7) - 5)
    ] or None


def _call_part() -> dict[str, Maker]:
    makers: dict[str, Maker] = {
        "call_type": pairs_of("call_type"),
        "call_status": call_status,
        "call_direction": pairs_of("call_direction"),
        "phone_tracking_type": pairs_of("phone_tracking_type"),
        "call_region_name": visitor_fields()["visitor_region"],
        "call_records": records,
    }
    return {name: only((CALL,), make) for name, make in makers.items()}


def _request_part() -> dict[str, Maker]:
    makers: dict[str, Maker] = {
        "offline_message_type": pairs_of("offline_message_type"),
        "offline_message_email": mail,
        "offline_message_text": text_of("request", "requests"),
    }
    goals: dict[str, Maker] = {
        "goal_type": pairs_of("goal_type"),
        "goal_name": one_of("goal", words()["goals"]),
    }
    return {name: only((REQUEST,), make) for name, make in makers.items()} | {
        name: only((GOAL,), make) for name, make in goals.items()
    }


def chat_fields() -> dict[str, Maker]:
    """Make what communications and chats have in common."""
    makers: dict[str, Maker] = {
        "chat_initiator": pairs_of("chat_initiator"),
        "chat_status": pairs_of("chat_status"),
        "chat_messages_count": number_of("messages", 0, 60),
    }
    return {name: only((CHAT,), make) for name, make in makers.items()}


def _mail_part() -> dict[str, Maker]:
    """Make the fields of e-mails."""
    text = text_of("mail", "requests")
    made: dict[str, Maker] = {
        "email_message": text,
        "email_message_html": lambda row: f"<p>{text(row)}</p>",
        "email_from": mail,
        "email_to": one_of("mail_to", ["info@okna-svetly-dom.example"]),
        "email_cc": _copies,
        "email_bcc": one_of("bcc", [["archive@okna-svetly-dom.example"]], nothing=70),
        "email_subject": one_of("subject", words()["comments"]),
    }
    return {name: only((EMAIL,), make) for name, make in made.items()}


def _copies(row: Row) -> list[str] | None:
    return [f"copy{i}@example.org" for i in range(row.hash & 3)] or None
