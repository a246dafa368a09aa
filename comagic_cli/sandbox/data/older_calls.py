"""Fields of the older reports of calls, of their legs, and of what those cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import Row, number_of, one_of, words
from comagic_cli.sandbox.data.calls import calls as flat_calls
from comagic_cli.sandbox.data.calls import wait_seconds
from comagic_cli.sandbox.data.dealings import after
from comagic_cli.sandbox.data.ids import (
    contact_id,
    employee_phone,
    group_place,
    id_of,
    numbered,
    place_of,
    staff_of,
)
from comagic_cli.sandbox.data.lists.places import COUNTRIES, region_id
from comagic_cli.sandbox.data.older import common_parts, plain
from comagic_cli.sandbox.data.talks import (
    employee_names,
    pairs_of,
    records,
    seconds,
    shown,
    virtual_phone,
)
from comagic_cli.sandbox.data.texts import full_name, phone
from comagic_cli.sandbox.data.visitor import visitor_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Row], Any]
    Makers = dict[str, Maker]

MEDIA: Final = "https://app.comagic.ru/system/media/talk"


def calls_report() -> Makers:
    """Make the fields of calls; one that goes on has no end yet."""
    flat = flat_calls()
    makers: Makers = {
        "start_time": shown,
        "finish_time": flat["call_finish_date_time"],
        "virtual_phone_number": virtual_phone,
        "contact_phone_number": phone,
        "contact_full_name": full_name,
        "contact_id": contact_of,
        "is_lost": lambda row: not seconds(row),
        "direction": plain(pairs_of("call_direction")),
        "source": plain(pairs_of("call_type")),
        "finish_reason": plain(pairs_of("call_finish_reason")),
        "is_transfer": lambda row: flat["call_is_transfer"](row)["value_id"],
        "auto_call_campaign_name": one_of("auto_call", ["Обзвон: акция"], nothing=95),
        "call_api_external_id": one_of("api_ext", ["crm-17", "crm-18"], nothing=90),
        "call_api_request_id": number_of("api_request", 10**6, 2 * 10**6, nothing=90),
        "properties": one_of("call_properties", ['{"order":"7;1"}'], nothing=90),
        "scenario_id": numbered("scenario", place_of("scenario", words()["scenarios"], 10)),
        "scenario_name": flat["call_scenario"],
        "scenario_operations": lambda row: (
            [
                {"id": each["action_id"], "name": each["action_name"]}
                for each in flat["call_scenario_actions"](row) or ()
            ]
            or None
        ),
        "operator_phone_number": lambda row: (
            staff_phone(row, names[-1][0]) if (names := staff_of(row)) else None
        ),
    }
    made = common_parts() | makers | _durations() | _region() | _employees() | _recordings()
    return {
        name: _unless_ongoing(make) if name in _WHEN_OVER else make for name, make in made.items()
    }


_WHEN_OVER: Final = frozenset(
    (
        *("finish_time", "finish_reason", "talk_duration", "clean_talk_duration"),
        *("total_duration", "postprocess_duration", "call_records", "wav_call_records"),
        *("full_record_file_link", "voice_mail_records", "tags"),
    )
)
"""What a call has only when it is over."""


def _unless_ongoing(make: Maker) -> Maker:
    return lambda row: None if row.is_unusual else make(row)


def contact_of(row: Row) -> int | None:
    """Make the number of the contact; every second person is one."""
    return contact_id(row.business, row.person) if row.person & 1 else None


def staff_phone(row: Row, number: int) -> str:
    """Return the phone of an employee."""
    return employee_phone(number - id_of(row.business, "employee", 0))


def _durations() -> Makers:
    wait, held, mark = wait_seconds(), number_of("held", 0, 4), number_of("mark", 1, 900, 60)
    processed = number_of("lost_processing", 30, 7200, nothing=30)
    return {
        "wait_duration": wait,
        "total_wait_duration": wait,
        "talk_duration": seconds,
        "clean_talk_duration": lambda row: seconds(row) and seconds(row) - held(row),
        "total_duration": lambda row: seconds(row) + wait(row),
        "postprocess_duration": mark,
        "lost_call_processing_duration": lambda row: None if seconds(row) else processed(row),
    }


def _region() -> Makers:
    """Make the region of the contact's number."""
    flat = visitor_fields()
    country, region = flat["visitor_country"], flat["visitor_region"]
    return {
        "cpn_region_id": lambda row: region_id(region(row)),
        "cpn_region_name": region,
        "cpn_country_name": country,
        "cpn_country_id": lambda row: COUNTRIES.get(country(row)),
    }


def _employees() -> Makers:
    """Make those who took part: the last of them talked, where anyone did."""
    rating = number_of("rating", 1, 5, nothing=50)

    def took_part(row: Row) -> list[dict[str, Any]] | None:
        staff = staff_of(row)
        return [
            {
                "employee_id": number,
                "employee_full_name": name,
                "is_answered": bool(seconds(row)),
                "is_talked": bool(seconds(row)) and place == len(staff) - 1,
            }
            for place, (number, name) in enumerate(staff)
        ] or None

    def one(place: int, member: int) -> Maker:
        return lambda row: (
            staff[place][member] if seconds(row) and (staff := staff_of(row)) else None
        )

    makers: Makers = {"employees": took_part, "last_answered_employee_rating": rating}
    for what, place in (("last_answered", -1), ("first_answered", 0), ("last_talked", -1)):
        makers[f"{what}_employee_id"] = one(place, 0)
        makers[f"{what}_employee_full_name"] = one(place, 1)
    makers["first_talked_employee_id"] = one(-1, 0)
    makers["first_talked_employee_full_name"] = one(-1, 1)
    return makers


def _recordings() -> Makers:
    mailed = number_of("voice mail", 0, 9)

    def link(row: Row) -> str | None:
        ids = records(row)
        return f"{MEDIA}/{row.identity}/{ids[0]}/" if ids else None

    return {
        "call_records": records,
        "wav_call_records": lambda row: records(row) if row.hash >> 9 & 7 == 0 else None,
        "voice_mail_records": lambda row: (
            [f"{row.identity:x}{row.hash & 0xFFFF:04x}"]
            if not seconds(row) and mailed(row) == 0
            else None
        ),
        "full_record_file_link": link,
    }


def recognised(row: Row) -> dict[str, Any]:
    """Make what was said in a call; nothing where it was not recorded."""
    ids = records(row)
    said = words()["dialogue"] if ids else []
    return {
        "speech_phrases": [
            {
                "id": row.identity * 16 + place,
                "ext_id": place,
                "phrase": phrase,
                "speech_id": row.identity,
                "start_time": after(row, seconds=place * 4),
                "is_operator": is_operator,
                "edited_phrase": None,
            }
            for place, (is_operator, phrase) in enumerate(said)
        ],
        "recognition_worker_type": "tinkoff" if ids else None,
        "call_start_date_time": row.shown,
        "contact_phone_number": phone(row),
        "call_records": ids or [],
    }


# Legs


def legs_of(row: Row) -> int:
    """Return how many legs a call has: the contact's, and one for each employee."""
    return 1 + len(employee_names(row))


def leg_id(row: Row) -> int:
    """Return the id of a leg."""
    return row.identity * 8 + row.part


def _of_staff(make: Callable[[Row, tuple[int, str]], Any]) -> Maker:
    """Make a field of an employee's leg; nothing for the contact's."""
    return lambda row: make(row, staff_of(row)[row.part - 1]) if row.part else None


def _talk_seconds(row: Row) -> int:
    """Return how long a leg talked: the contact, and the last of the employees."""
    talked = row.part == 0 or row.part == len(employee_names(row))
    return seconds(row) if talked else 0


def _sides() -> Makers:
    """Make who called whom: the contact and our number, or the contact and an employee."""
    direction = plain(pairs_of("call_direction"))
    own: Maker = lambda row: (  # noqa: E731  # it is a maker as others
        staff_phone(row, staff_of(row)[row.part - 1][0]) if row.part else virtual_phone(row)
    )
    return {
        "direction": direction,
        "calling_phone_number": lambda row: phone(row) if direction(row) == "in" else own(row),
        "called_phone_number": lambda row: own(row) if direction(row) == "in" else phone(row),
    }


def call_legs_report() -> Makers:
    """Make the fields of legs."""
    flat, wait = flat_calls(), wait_seconds()
    groups = words()["employee_groups"]
    steps = words()["scenario_actions"]
    code = number_of("release", 0, 9)
    reasons = pairs_of("call_finish_reason")
    makers: Makers = {
        "id": leg_id,
        "call_session_id": lambda row: row.identity,
        "call_records": lambda row: records(row) if _talk_seconds(row) else None,
        "wav_call_records": lambda row: (
            records(row) if _talk_seconds(row) and row.hash >> 9 & 7 == 0 else None
        ),
        "start_time": shown,
        "connect_time": lambda row: after(row, seconds=wait(row)) if _talk_seconds(row) else None,
        "duration": _talk_seconds,
        "total_duration": lambda row: _talk_seconds(row) + wait(row),
        "finish_reason": plain(reasons),
        "finish_reason_description": lambda row: reasons(row)["value"],
        "virtual_phone_number": virtual_phone,
        "is_transfered": lambda row: flat["call_is_transfer"](row)["value_id"],
        "is_operator": lambda row: row.part > 0,
        "employee_id": _of_staff(lambda _, one: one[0]),
        "employee_full_name": _of_staff(lambda _, one: one[1]),
        "employee_phone_number": _of_staff(lambda row, one: staff_phone(row, one[0])),
        "employee_rating": number_of("rating", 1, 5, nothing=50),
        "scenario_id": numbered("scenario", place_of("scenario", words()["scenarios"], 10)),
        "scenario_name": flat["call_scenario"],
        "is_coach": lambda row: row.part > 0 and flat["is_coach_handled_call"](row)["value_id"],
        "release_cause_code": lambda row: 16 if code(row) else 17,
        "release_cause_description": lambda row: "NORMAL_CLEARING" if code(row) else "USER_BUSY",
        "is_failed": lambda row: not _talk_seconds(row),
        "is_talked": lambda row: bool(_talk_seconds(row)),
        "contact_id": contact_of,
        "contact_full_name": full_name,
        "contact_phone_number": phone,
        "action_id": lambda row: 31 + row.part % len(steps),
        "action_name": lambda row: steps[row.part % len(steps)],
        "group_id": _of_staff(
            lambda row, one: id_of(row.business, "group", _group_of(row, one[0]))
        ),
        "group_name": _of_staff(lambda row, one: groups[_group_of(row, one[0])]),
    }
    return makers | _sides()


def _group_of(row: Row, number: int) -> int:
    return group_place(number - id_of(row.business, "employee", 0))


def financial_call_legs_report() -> Makers:
    """Make the fields of legs and what they cost: minutes are counted up, and paid to kopecks."""
    source = plain(pairs_of("call_type"), {"auto_back_call_by_lost_call": "callapi"})
    kind = one_of("direction_type", list(_PER_MINUTE))

    def minutes(row: Row) -> int:
        return -(-_talk_seconds(row) // 60)

    def charge(row: Row) -> float:
        return round(minutes(row) * _PER_MINUTE[kind(row)], 2)

    return _sides() | {
        "start_time": shown,
        "source": source,
        "call_session_id": lambda row: row.identity,
        "leg_id": leg_id,
        "duration": _talk_seconds,
        "chargeable_duration": lambda row: minutes(row) * 60,
        "direction_type": kind,
        "cost_per_minute": lambda row: _PER_MINUTE[kind(row)],
        "total_charge": charge,
        "bonuses_charge": lambda row: round(charge(row) / 10, 2) if row.hash & 15 == 0 else 0,
    }


_PER_MINUTE: Final = {"local": 1.2, "mobile": 1.8, "national": 3.15, "international": 24.5}
