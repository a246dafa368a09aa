"""Fields of leads, deals, messages, tagging, notifications, API requests and persons."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from comagic_cli.sandbox.data.business import (
    FIRST_PERSON,
    Row,
    number_of,
    one_of,
    roll,
    salt,
    visit_id,
    words,
)
from comagic_cli.sandbox.data.rhythm import moment
from comagic_cli.sandbox.data.talks import (
    identity,
    kind_pair,
    pairs_of,
    shown,
    virtual_phone,
    yes_no,
)
from comagic_cli.sandbox.data.texts import full_name, mail, phone, text_of
from comagic_cli.sandbox.data.visitor import site_fields, traffic_fields, visitor_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    Maker = Callable[[Row], Any]

_EXTERNAL = salt("external")


def after(row: Row, **delta: int) -> str:
    """Write the time so much later."""
    later = moment(row.seconds * 1_000_000) + timedelta(**delta)
    return later.isoformat(" ", "seconds")


def _linked(name: str, make: Maker) -> Maker:
    """Make an object of value and value_url, the URL missing now and then."""

    def made(row: Row) -> dict[str, Any] | None:
        value = make(row)
        if value is None:
            return None
        url = f"https://crm.example/{name}/{row.hash >> 44}" if row.hash & 7 else None
        return {"value": value, "value_url": url}

    return made


def _external(row: Row) -> str | None:
    """Make an external id: missing in a tenth, and shared by some rows."""
    rolled = roll(row, _EXTERNAL, 1 << 30)
    return (
        None
        if rolled % 10 == 0
        else str(10_000 + (row.number // 60 if rolled & 7 == 0 else row.number))
    )


def _talks(row: Row) -> list[dict[str, Any]]:
    unix = row.stored // 1_000_000
    return [{"id": row.identity, "type": kind_pair(row), "date_time": unix}]


def _crm(prefix: str) -> dict[str, Maker]:
    """Make what a lead and a deal have in common."""
    lists = words()
    traffic = traffic_fields()
    makers: dict[str, Maker] = {
        "contact": _linked("contact", full_name),
        "contact_phone_numbers": lambda row: [phone(row)] * (row.hash % 3) or None,
        "contact_emails": lambda row: [mail(row)] if row.hash & 1 else None,
        "contact_ext_id": lambda row: str(row.person) if row.hash & 3 else None,
        "name": _linked(prefix, text_of("deal", "comments")),
        "company": _linked("company", one_of("company", [lists["company"]], nothing=70)),
        "employee": one_of("manager", lists["employees"], nothing=10),
        "source": one_of("lead_source", lists["lead_sources"]),
        "ext_id": _external,
        "date_time": shown,
        "current_stage": one_of("stage", lists["stages"]),
        "current_stage_date": lambda row: after(row, days=row.hash % 20)[:10],
    }
    for mark in ("campaign", "content", "medium", "source", "term"):
        makers[f"utm_{mark}"] = traffic[f"utm_{mark}"]
    return {f"{prefix}_{name}": make for name, make in makers.items()}


def _origin() -> dict[str, Maker]:
    """Make what led to a lead or deal."""
    return site_fields() | {
        "campaign_name": traffic_fields()["campaign_name"],
        "visitor_id": visitor_fields()["visitor_id"],
        "stage_before_failure": one_of("failed", words()["stages"][:5], nothing=80),
        "communication_id": identity,
        "communication_type": kind_pair,
        "communication_date_time": shown,
        "communication": _talks,
    }


def leads() -> dict[str, Maker]:
    """Make the fields of leads."""
    deals_of = _crm("deal")
    return (
        _origin()
        | _crm("lead")
        | {
            "deals": lambda row: (
                [
                    {
                        "ext_id": deals_of["deal_ext_id"](row),
                        "date_time": after(row, days=2),
                        "current_stage": deals_of["deal_current_stage"](row),
                    }
                ]
                if row.hash & 1
                else None
            )
        }
    )


def deals() -> dict[str, Maker]:
    """Make the fields of deals; revenue has kopecks."""
    revenue = number_of("revenue", 0, 45_000_000, nothing=15)
    return (
        _origin()
        | _crm("lead")
        | _crm("deal")
        | {
            "deal_current_funnel": one_of("funnel", words()["funnels"]),
            "deal_finish_date": lambda row: after(row, days=30)[:10] if row.hash & 2 else None,
            "deal_revenue": lambda row: None if (sum_ := revenue(row)) is None else sum_ / 100,
            "deal_cycle": number_of("cycle", 0, 90, nothing=20),
            "deal_comments": text_of("deal_comment", "comments", nothing=40),
            "days_before_start_deal": number_of("before", 0, 30),
            "days_before_finish_deal": number_of("till_end", 0, 90, nothing=40),
        }
    )


def visits() -> dict[str, Maker]:
    """Make the fields of visits; every third led to a communication."""
    return (
        site_fields()
        | traffic_fields()
        | visitor_fields()
        | {
            "visitor_session_id": lambda row: str(visit_id(row.index)),
            "visit_depth": number_of("depth", 1, 25),
            "visit_date_time": shown,
            "communications": lambda row: _talks(row) if row.index % 3 == 0 else None,
            "number_pool_name": one_of("pool", ["Основной пул", 'Пул "Балконы"'], nothing=10),
        }
    )


def sms() -> dict[str, Maker]:
    """Make the fields of SMS messages."""
    texts = one_of("sms", words()["sms_messages"])
    return {
        "sms_id": lambda row: str(880_000_000 + row.index),
        "sms_date_time": shown,
        "contact_phone_number": phone,
        "virtual_phone_number": virtual_phone,
        "sms_message": lambda row: texts(row).format(date=after(row, days=3)[:10]),
    }


def tags_history() -> dict[str, Maker]:
    """Make the fields of taggings."""
    lists = words()
    known = [{"id": id_, "name": name, "color": color} for id_, name, color in lists["tags"]]
    tag = one_of("tag", known)
    return {
        "tag_id": lambda row: tag(row)["id"],
        "tag_name": tag,
        "tagging_date_time": shown,
        "communication_type": kind_pair,
        "communication_id": identity,
        "employee_full_name": one_of("tagger", lists["employees"], nothing=30),
        "employee_login": one_of(
            "tagger", [f"user{i}" for i, _ in enumerate(lists["employees"])], 30
        ),
        "tag_is_system": yes_no("system", yes=20),
        "tagging_is_auto": yes_no("auto", yes=30),
    }


def notifications() -> dict[str, Maker]:
    """Make the fields of notifications."""
    failed = number_of("failed_note", 0, 9)

    def if_failed(make: Maker) -> Maker:
        return lambda row: make(row) if failed(row) == 0 else None

    makers: dict[str, Maker] = {
        "notification_id": lambda row: str(660_000_000 + row.index),
        "notification_name": one_of("note", words()["notifications"]),
        "notification_delay": one_of("delay", [0, 0, 60, 300]),
        "notification_message": text_of("note_text", "sms_messages"),
        "notification_send_to": lambda row: mail(row) if row.hash & 1 else phone(row),
        "notification_sms_count": number_of("sms_count", 1, 3, nothing=50),
        "communication_id": identity,
        "communication_type": kind_pair,
        "notification_error_type": if_failed(pairs_of("notification_error_type")),
        "notification_error_message": if_failed(
            one_of("e", ['550 "No such user"', "timeout; 30 s"])
        ),
        "notification_send_date_time": lambda row: after(row, seconds=2) if failed(row) else None,
        "notification_start_date_time": shown,
    }
    for name in ("event_type", "notification_status", "notification_channel"):
        makers[name] = pairs_of(name)
    return makers


def api_requests() -> dict[str, Maker]:
    """Make the fields of requests made to the API."""
    lists = words()
    method = one_of("api_method", lists["api_methods"])
    wrong = one_of("api_error", lists["api_errors"], nothing=90)
    return {
        "api_request_id": lambda row: str(990_000_000 + row.index),
        "token_name": one_of("token", lists["token_names"]),
        "api_request_ip": visitor_fields()["visitor_ip_address"],
        "employee_login": one_of("api_user", ["sandbox", None]),
        "call_session_id": number_of("session", 10**9, 2 * 10**9, nothing=70),
        "api_request_body": lambda row: (
            f'{{"jsonrpc":"2.0","id":{row.index},"method":"{method(row)[0]}"}}'
        ),
        "api_request_method": lambda row: method(row)[0],
        "api_request_raw_id": lambda row: f"{row.hash:016x}",
        "api_request_status": lambda row: _status(lists, wrong(row) is None),
        "api_request_version": one_of("version", ["v2.0"]),
        "api_request_is_agent": yes_no("agent", yes=5),
        "api_request_component": pairs_of("api_request_component"),
        "api_request_error_code": lambda row: error[0] if (error := wrong(row)) else None,
        "api_request_raw_ext_id": lambda row: str(row.index) if row.hash & 1 else None,
        "api_request_method_weight": lambda row: method(row)[1],
        "api_request_error_mnemonic": lambda row: error[1] if (error := wrong(row)) else None,
        "api_request_execution_time": lambda row: row.hash % 4000 / 1000,
        "api_request_start_date_time": shown,
    }


def _status(lists: dict[str, Any], fine: bool) -> dict[str, Any]:  # noqa: FBT001  # the status itself
    value, id_ = lists["pairs"]["api_request_status"][0 if fine else 1]
    return {"value": value, "value_id": id_}


def persons() -> dict[str, Maker]:
    """Make the fields of persons; a row's number is the person's."""
    revenue, deals_made = number_of("sum", 0, 900_000), number_of("deals", 0, 4)
    return {
        "person_id": lambda row: FIRST_PERSON + row.index,
        "visitor_ids": lambda row: [FIRST_PERSON * 2 + row.index * 3 + i for i in range(2)],
        "first_visit_date_time": shown,
        "last_visit_date_time": lambda row: after(row, days=row.hash % 90),
        "first_communication_date_time": lambda row: after(row, minutes=row.hash % 900),
        "first_deal_date_time": lambda row: after(row, days=9) if deals_made(row) else None,
        "first_lead_date_time": lambda row: after(row, days=2) if row.hash & 1 else None,
        "visitor_names": lambda row: [name] if (name := full_name(row)) else None,
        "visitor_emails": lambda row: [mail(row)] if row.hash & 2 else None,
        "visitor_phones": lambda row: [phone(row)],
        "visits_count": number_of("visits", 1, 30),
        "communications_count": number_of("talks", 1, 9),  # documented as communicatons_count
        "deals_count": deals_made,
        "leads_count": number_of("leads", 0, 3),
        "deal_revenue": lambda row: revenue(row) if deals_made(row) else 0,
        "avg_deal_revenue": lambda row: revenue(row) / made if (made := deals_made(row)) else None,
        "person_events": lambda row: [
            {
                "event_name": "Визит",
                "event_text": "Зашёл на сайт",
                "event_time": row.shown,
                "event_mnemonic": "visit",
                "duration": row.hash % 600,
                "is_failed": False,
                "fail_hint": None,
                "data": [],
            }
        ],
    }
