"""Fields of calls and chats."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from comagic_cli.sandbox.data.business import Row, clock, number_of, one_of, words
from comagic_cli.sandbox.data.rhythm import moment
from comagic_cli.sandbox.data.talks import (
    call_status,
    chat_fields,
    employee_names,
    employees,
    identity,
    kinds,
    pairs_of,
    records,
    seconds,
    shown,
    tags,
    virtual_phone,
    yes_no,
)
from comagic_cli.sandbox.data.texts import full_name, phone, text_of
from comagic_cli.sandbox.data.visitor import site_fields, visitor_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Row], Any]


def calls() -> dict[str, Maker]:
    """Make the fields of calls, those of the integration and of the details included."""
    makers = site_fields() | {
        "communication_id": identity,
        "call_start_date_time": shown,
        "call_start_date": lambda row: row.shown[:10],
        "call_start_time": lambda row: row.shown[11:],
        "call_finish_date_time": lambda row: _later(row, seconds(row)),
        "contact_phone_number": _phone_in_calls,
        "call_status": call_status,
        "virtual_phone_number": virtual_phone,
        "virtual_number_comment": one_of("line", ["МКАД, щит 4", "Визитки"], nothing=60),
        "employees": employees,
        "call_records": records,
        "contact_full_name": full_name,
        "crm_contact_name": full_name,
        "tags": tags,
        "coaches": _some_employees("coaches"),
        "prompters": _some_employees("prompters"),
        "cdrs": lambda row: [{"id": row.identity * 2, "date_time": row.shown}],
    }
    for name in ("call_type", "call_direction", "call_finish_reason", "call_processing_status"):
        makers[name] = pairs_of(name)
    return makers | _call_course() | _call_sides()


def wait_seconds() -> Maker:
    """Make how long a caller waited."""
    return number_of("wait", 0, 60)


def _call_course() -> dict[str, Maker]:
    """Make durations: seconds as a number and HH:MM:SS in one row."""
    lists = words()
    wait, dial = wait_seconds(), number_of("dial", 1, 40)
    return {
        "call_total_duration": lambda row: seconds(row) + wait(row),
        "call_await_talk_duration": lambda row: clock(wait(row)),
        "call_dialing_duration": dial,
        "call_talk_duration": lambda row: clock(seconds(row)),
        "call_scenario": one_of("scenario", lists["scenarios"], nothing=10),
        "call_scenario_actions": lambda row: (
            [
                {"action_id": 31 + place, "action_name": name}
                for place, name in enumerate(lists["scenario_actions"][: row.hash & 3])
            ]
            or None
        ),
        "call_redirection_info": one_of("redirection", ["79161234567", "sip:101"], nothing=80),
    }


def _call_sides() -> dict[str, Maker]:
    lists = words()
    comment = text_of("comment", "comments", nothing=60)
    makers: dict[str, Maker] = {
        "communication_comment": comment,
        "communication_comment_author": lambda row: _author(row) if comment(row) else None,
        "employee_groups": one_of("groups", [[name] for name in lists["employee_groups"]], 30),
        "call_country_name": one_of("country", ["Россия"], nothing=5),
        "call_region_name": visitor_fields()["visitor_region"],
        "employee_rating": number_of("rating", 1, 5, nothing=50),
        "received_call": one_of("received", lists["employees"], nothing=10),
        "first_employee_for_internal_call": one_of("first", lists["employees"], nothing=90),
        "second_employee_for_internal_call": one_of("second", lists["employees"], nothing=90),
    }
    for name in ("internal", "transfer", "redirect"):
        makers[f"call_is_{name}"] = yes_no(name, yes=10)
    makers["is_coach_handled_call"] = yes_no("coached", yes=5)
    makers["is_blacklisted_phone"] = yes_no("black", yes=2)
    return makers


def _author(row: Row) -> str:
    names = words()["employees"]
    return str(names[row.hash % len(names)])


def _call_events(row: Row) -> list[dict[str, Any]]:
    """Make the course of a call: the scenario's steps stand inside of the call."""
    lost = not seconds(row)
    names = words()["call_events"]
    steps = [
        _event(row, name, place, is_failed=lost and place == len(names) - 1)
        for place, name in enumerate(names[1:], 1)
    ]
    return [_event(row, names[0], 0, is_failed=False) | {"data": steps}]


def _event(row: Row, name: str, place: int, *, is_failed: bool) -> dict[str, Any]:
    return {
        "event_name": name,
        "event_text": f"{name}, шаг {place + 1}",
        "event_time": _later(row, place)[11:],
        "event_mnemonic": ("call", "greeting", "employee", "end")[place % 4],
        "duration": place * 4,
        "is_failed": is_failed,
        "fail_hint": "Никто не ответил" if is_failed else None,
        "data": [],
    }


def _comment(row: Row) -> dict[str, Any]:
    text = text_of("comment", "comments", nothing=60)(row)
    return {"comment": text, "communication_id": row.identity, "communication_type": row.kind}


def _record_links(row: Row) -> dict[str, Any] | None:
    ids = records(row)
    if not ids:
        return None
    folder = f"https://app.comagic.ru/system/media/talk/{row.identity}"
    return {
        "links": [f"{folder}/{id_}/" for id_ in ids],
        "links_name": [row.shown for _ in ids],
        "communication_id": row.identity,
        "communication_type": row.kind,
    }


def _later(row: Row, some_seconds: int) -> str:
    later = moment(row.seconds * 1_000_000) + timedelta(seconds=some_seconds)
    return later.isoformat(" ", "seconds")


def _phone_in_calls(row: Row) -> Any:
    """Make the number, wrapped with what the web account shows beside it."""
    extra = {
        "call_status": call_status(row)["value_id"],
        "call_direction": _direction(row)["value_id"],
    }
    return {"extra": extra, "value": phone(row)}


_direction = pairs_of("call_direction")


def _some_employees(name: str) -> Maker:
    return one_of(name, [[one] for one in words()["employees"]], nothing=90)


def call_details() -> dict[str, Maker]:
    """Make the fields of call details, which have some shapes of their own."""
    return calls() | {
        "employees": lambda row: employee_names(row) or None,
        "call_events": _call_events,
        "call_records": _record_links,
        "communication_comment": _comment,
        "communication_number": number_of("number", 1, 5),
        "deals": lambda _: None,
    }


def mgf_calls() -> dict[str, Maker]:
    """Make the fields of the calls of the MegaFon integration."""
    return calls() | {
        "communication_comment": _comment,
        "call_processed_mark_duration": number_of("mark", 1, 900, nothing=60),
    }


def chats() -> dict[str, Maker]:
    """Make the fields of chats."""
    makers = (
        site_fields()
        | chat_fields()
        | {
            "communication_id": identity,
            "phone_book_contact_id": lambda row: str(row.person) if row.person & 1 else None,
            "contact_full_name": full_name,
            "contact_phone_number": lambda row: phone(row) if row.hash % 3 else None,
            "person_id": visitor_fields()["person_id"],
            "employees": employees,
            "employees_group": one_of("chat_group", words()["employee_groups"], nothing=20),
            "chat_start_date_time": shown,
            "chat_finish_date_time": lambda row: _later(row, seconds(row)),
            "chat_answer_wait_duration": number_of("answer", 1, 300, nothing=10),
            "chat_duration": lambda row: clock(seconds(row)),
            "communication_kinds": kinds,
            "chat_is_transfer": one_of("chat_transfer", [True, False, False]),
            "tags": tags,
            "chat_channel_name": one_of("channel_name", words()["chat_channels"]),
            "communication_comment": text_of("comment", "comments", nothing=60),
        }
    )
    for name in ("chat_closed_by", "chat_channel_type"):
        makers[name] = pairs_of(name)
    return makers
