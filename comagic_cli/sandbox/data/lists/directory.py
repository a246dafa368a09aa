"""Lists of what the business has, with the numbers that the reports show."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, overload

from comagic_cli.sandbox.data.business import PERSON_ROWS, PERSONS, Business, Row, words
from comagic_cli.sandbox.data.ids import (
    FIRST,
    contact_id,
    distinct,
    employee_phone,
    group_place,
    id_of,
    name_of,
    place_in,
    sip_phone,
)
from comagic_cli.sandbox.data.lists.inventing import invent_row, invent_rows
from comagic_cli.sandbox.data.lists.places import geolocations
from comagic_cli.sandbox.data.older import CHANNEL_TYPES
from comagic_cli.sandbox.data.sums import named_employee
from comagic_cli.sandbox.data.talks import LINES, line
from comagic_cli.sandbox.data.texts import full_name, mail, phone

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from comagic_cli.query.catalog import ReportType
    from comagic_cli.sandbox.data.sources import Span

    Record = dict[str, Any]


def rows_of_list(type_: ReportType, business: Business, span: Span) -> Sequence[Record]:
    """Return the rows of a list: those of the business, or invented ones."""
    if type_.command == "contacts":
        return _Contacts(business, span)
    if type_.command not in LISTS:
        return invent_rows(type_)
    own = LISTS[type_.command](business)
    return [invent_row(type_, place) | row for place, row in enumerate(own)]


class _Contacts(Sequence[dict[str, Any]]):
    """Every second person is a contact; each is made when it is asked for."""

    def __init__(self, business: Business, span: Span) -> None:
        self._business = business
        first, last = span.first // PERSON_ROWS, -(-span.last // PERSON_ROWS)
        self._persons = range(first * PERSONS + 1, last * PERSONS, 2)

    def __len__(self) -> int:
        return len(self._persons)

    @overload
    def __getitem__(self, index: int) -> Record: ...
    @overload
    def __getitem__(self, index: slice) -> list[Record]: ...
    def __getitem__(self, index: int | slice) -> Record | list[Record]:
        if isinstance(index, slice):
            return [self._contact(person) for person in self._persons[index]]
        return self._contact(self._persons[index])

    def _contact(self, person: int) -> Record:
        row = Row(self._business, 0, 0, 0, 0)
        row.person = person
        name = full_name(row)
        parts = [*(name or "").split(" ", 2), None, None, None]
        organization = person % 97 if person % 5 == 0 else None
        manager = person // 2 % len(words()["employees"])
        return {
            "id": contact_id(self._business, person),
            "last_name": parts[0] or None,
            "first_name": parts[1],
            "patronymic": parts[2],
            "full_name": name,
            "emails": [mail(row)] if person % 3 == 0 else [],
            "groups": [
                {
                    "group_id": id_of(self._business, "contacts", 0),
                    "group_name": words()["contact_groups"][0],
                }
            ],
            "phone_numbers": [phone(row)],
            "personal_manager_id": id_of(self._business, "employee", manager),
            "personal_manager_full_name": words()["employees"][manager],
            "organization_id": (
                None
                if organization is None
                else id_of(self._business, "organization", organization)
            ),
            "organization_name": None if organization is None else organization_name(organization),
        }


def organization_name(place: int) -> str:
    """Name the n-th organization."""
    names = words()["surnames"]
    name = names[place % len(names)]
    return str(words()["organization"]).format(name=name, number=place + 1)


def _organizations(business: Business) -> list[Record]:
    return [
        {"id": id_of(business, "organization", place), "name": organization_name(place)}
        for place in range(97)
    ]


def _named(kind: str, name: str, business: Business) -> list[Record]:
    """List what has just a number and a name."""
    return [
        {"id": id_of(business, kind, place), "name": each}
        for place, each in enumerate(words()[name])
    ]


# Employees


def _employees(business: Business) -> list[Record]:
    return [_employee(business, place) for place in range(len(words()["employees"]))]


def _employee(business: Business, place: int) -> Record:
    statuses = words()["statuses"]
    position = place % len(words()["positions"])
    return named_employee(business, place) | {
        "login": f"user{place}",
        "email": f"user{place}@okna-svetly-dom.example",
        "status": statuses[place % len(statuses)][0],
        "status_id": id_of(business, "status", place % len(statuses)),
        "calls_available": place != len(words()["employees"]) - 1,
        "allowed_in_call_types": ["internal", "external"],
        "in_external_allowed_call_directions": ["in", "out"],
        "in_internal_allowed_call_directions": ["in", "out"],
        "allowed_out_call_types": ["external"],
        "out_external_allowed_call_directions": ["out"],
        "out_internal_allowed_call_directions": [],
        "call_recording": "all",
        "schedule_id": id_of(business, "schedule", place % len(words()["schedules"])),
        "schedule_name": words()["schedules"][place % len(words()["schedules"])],
        "coach": None,
        "phone_numbers": [
            {
                "phone_id": id_of(business, "phone", place),
                "phone_number": employee_phone(place),
                "channels_count": 1,
                "dial_time": 30,
                "status": "active",
            }
        ],
        "extension": {
            "extension_phone_number": str(101 + place),
            "extension_voice_mail_enabled": place % 2 == 0,
            "extension_queue_enabled": False,
        },
        "operator": {
            "operator_login": f"user{place}",
            "operator_display_name": words()["employees"][place].split()[0],
            "operator_position_id": id_of(business, "position", position),
            "operator_position_name": words()["positions"][position],
            "operator_offline_message_enabled": True,
            "operator_invite_to_chat_enabled": place % 2 == 0,
            "operator_chat_enabled": True,
            "operator_chats_available": True,
            "operator_sites": [_site_id(business, 0)],
        },
    }


def _groups(business: Business) -> list[Record]:
    names = words()["employees"]
    return [
        {
            "id": id_of(business, "group", place),
            "name": name,
            "members": [
                {
                    "employee_id": id_of(business, "employee", each),
                    "employee_full_name": names[each],
                }
                for each in range(len(names))
                if group_place(each) == place
            ],
            "group_phone_number": str(201 + place),
            "queue_enabled": place == 0,
            "channels_count": 5,
            "phone_numbers": [
                {
                    "employee_phone_number": employee_phone(each),
                    "employee_phone_number_id": id_of(business, "phone", each),
                    "employee_full_name": names[each],
                    "employee_id": id_of(business, "employee", each),
                    "available": True,
                }
                for each in range(len(names))
                if group_place(each) == place
            ],
            "employee_phone_number": employee_phone(place),
            "employee_phone_number_id": id_of(business, "phone", place),
            "employee_full_name": names[place],
            "employee_id": id_of(business, "employee", place),
        }
        for place, name in enumerate(words()["employee_groups"])
    ]


def _sip_lines(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "sip", place),
            "phone_number": sip_phone(business, place),
            "type": "internal",
            "employee_id": id_of(business, "employee", place),
            "employee_full_name": name,
            "virtual_phone_number": line(place),
            "billing_state": "active",
            "physical_state": "active",
            "status": "active",
        }
        for place, name in enumerate(words()["employees"])
    ]


def _statuses(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "status", place),
            "mnemonic": mnemonic,
            "name": name,
            "is_deleted": False,
            "is_worktime": mnemonic != "not_at_work",
            "in_external_allowed_call_directions": ["in", "out"] if place == 0 else [],
            "in_internal_allowed_call_directions": ["in", "out"],
            "out_external_allowed_call_directions": ["out"],
            "out_internal_allowed_call_directions": ["out"],
            "allowed_phone_protocols": ["SIP"],
        }
        for place, (mnemonic, name) in enumerate(words()["statuses"])
    ]


# Numbers and scenarios


def _virtual_numbers(business: Business) -> list[Record]:
    types = ("va", "call_tracking", "dynamic_call_tracking")
    scenarios = words()["scenarios"]
    return [
        {
            "id": id_of(business, "line", place),
            "child_customer_id": None,
            "virtual_phone_number": line(place),
            "redirection_phone_number": employee_phone(place % 8),
            "status": "active",
            "category": "usual",
            "type": types[place % 3],
            "campaigns": [_campaign_part(business, place)] if place % 3 else [],
            "scenarios": [
                {
                    "scenario_id": id_of(business, "scenario", place % len(scenarios)),
                    "scenario_name": scenarios[place % len(scenarios)],
                    "call_processing_rule_id": id_of(business, "line", 500 + place),
                    "is_active": True,
                }
            ],
        }
        for place in range(LINES)
    ]


def _campaign_part(business: Business, place: int) -> Record:
    campaigns = distinct("campaign")
    site = place % len(words()["sites"])
    return {
        "campaign_id": id_of(business, "campaign", place % len(campaigns)),
        "site_id": _site_id(business, site),
        "site_domain_name": words()["sites"][site]["domain"],
        "campaign_name": name_of("campaign", campaigns[place % len(campaigns)]),
        "site_blocks": [],
    }


def _available_numbers(_: Business) -> list[Record]:
    return [
        {"phone_number": line(LINES + place), "location_name": "Москва", "category": "usual"}
        for place in range(12)
    ]


def _line_numbers(_: Business) -> list[Record]:
    return [{"virtual_phone_number": line(place)} for place in range(LINES)]


def _scenarios(business: Business) -> list[Record]:
    names = words()["scenarios"]
    return [
        {
            "id": id_of(business, "scenario", place),
            "name": name,
            "virtual_phone_numbers": [line(each) for each in range(place, LINES, len(names))],
            "sites": [
                {
                    "site_id": _site_id(business, place),
                    "site_domain_name": words()["sites"][place]["domain"],
                }
            ],
            "campaigns": [
                {
                    name: value
                    for name, value in _campaign_part(business, place).items()
                    if name != "site_blocks"
                }
            ],
            "operations": words()["scenario_actions"],
        }
        for place, name in enumerate(names)
    ]


def _media_files(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "media", place),
            "name": name,
            "duration": 7 + place,
            "play_link": f"https://app.comagic.ru/system/media/file/{place}/",
            "size": 70_000 + place * 1000,
        }
        for place, name in enumerate(words()["media"])
    ]


# Sites and what brings visitors


def _site_id(business: Business, place: int) -> int:
    return id_of(business, "site", place)


def sites(business: Business) -> list[Record]:
    """List the sites."""
    return [
        {
            "id": _site_id(business, place),
            "domain_name": record["domain"],
            "name": record["name"],
            "default_phone_number": line(place),
            "default_scenario": {
                "scenario_id": id_of(business, "scenario", 0),
                "scenario_name": words()["scenarios"][0],
            },
            "site_blocks": [
                {"site_block_id": id_of(business, "block", place), "site_block_name": "Шапка"}
            ],
            "connected_integrations": [],
            "child_customer_id": None,
            "parent_id": None,
            "creation_date": f"2023-0{place + 1}-10 12:00:00",
            "target_call_min_duration": 30,
        }
        for place, record in enumerate(words()["sites"])
    ]


def _blocks(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "block", place),
            "site_id": _site_id(business, place),
            "site_domain_name": record["domain"],
            "name": "Шапка",
        }
        for place, record in enumerate(words()["sites"])
    ]


def _campaigns(business: Business) -> list[Record]:
    return [_campaign(business, place, each) for place, each in enumerate(distinct("campaign"))]


def _campaign(business: Business, place: int, record: Mapping[str, Any]) -> Record:
    site = place % len(words()["sites"])
    marks = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
    return {
        "id": id_of(business, "campaign", place),
        "name": name_of("campaign", record),
        "status": "active",
        "type": "integrated" if record.get("pc") else "basic",
        "description": None,
        "engine": record["source"] if record.get("pc") else None,
        "site_id": _site_id(business, site),
        "site_domain_name": words()["sites"][site]["domain"],
        **{f"static_{mark}": record.get(mark) for mark in marks},
    }


def _channel_of(business: Business, record: Mapping[str, Any]) -> Record:
    return {
        "channel_id": id_of(business, "source_channel", place_in("source_channel", record) or 0),
        "channel_name": record["channel_new"],
        "channel_mnemonic": record["channel_code"],
    }


def _sources(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "source", place),
            "name": record["source_name"],
            "group_id": id_of(business, "source_group", place_in("source_group", record) or 0),
            "group_name": record["source_new"],
            "state": "active",
            "is_custom": False,
            "filter": None,
            **_channel_of(business, record),
        }
        for place, record in enumerate(distinct("source"))
    ]


def _source_groups(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "source_group", place),
            "name": record["source_new"],
            "state": "active",
            **_channel_of(business, record),
        }
        for place, record in enumerate(distinct("source_group"))
    ]


def _source_channels(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "source_channel", place),
            "name": record["channel_new"],
            "mnemonic": record["channel_code"],
            "state": "active",
            "default_source_id": id_of(business, "source", 0),
        }
        for place, record in enumerate(distinct("source_channel"))
    ]


def _source_costs(business: Business) -> list[Record]:
    return [
        {
            "source_id": id_of(business, "source", place),
            "source_name": source["source_name"],
            "site_id": _site_id(business, site),
            "site_domain_name": record["domain"],
            "cost": (place + 1) * 1250 + site * 10,
            "child_customer_id": None,
        }
        for place, source in enumerate(distinct("source"))
        for site, record in enumerate(words()["sites"])
    ]


def _engines(_: Business) -> list[Record]:
    return [{"id": id_, "name": name} for id_, name in words()["engines"]]


def _tags(_: Business) -> list[Record]:
    return [
        {
            "id": id_,
            "name": name,
            "color": color,
            "is_system": False,
            "is_auto": False,
            "state": "active",
            "condition": None,
        }
        for id_, name, color in words()["tags"]
    ]


def _segments(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "segment", place),
            "name": name,
            "site_id": _site_id(business, place),
            "site_domain_name": words()["sites"][place]["domain"],
        }
        for place, name in enumerate(words()["segments"])
    ]


def _chat_channels(business: Business) -> list[Record]:
    types = [CHANNEL_TYPES.get(id_, id_) for _, id_ in words()["pairs"]["chat_channel_type"]]
    return [
        {
            "id": id_of(business, "channel", place),
            "name": name,
            "type": types[place % len(types)],
            "status": "active",
            "group_id": id_of(business, "group", 0),
            "group_name": words()["employee_groups"][0],
            "employee_id": None,
            "employee_full_name": None,
        }
        for place, name in enumerate(words()["chat_channels"])
    ]


def _blacklist(business: Business) -> list[Record]:
    return [
        {
            "id": FIRST["block"] + 900 + place,
            "phone_number": f"7900{1_234_567 + business.account + place * 11:07}",
            "add_user_name": words()["employees"][place % 8],
        }
        for place in range(23)
    ]


def _user_fields(_: Business) -> list[Record]:
    return [
        {"ext_id": str(1 + place), "name": name, "data_type": kind}
        for place, (name, kind) in enumerate(words()["user_fields"])
    ]


def _contact_groups(business: Business) -> list[Record]:
    return [
        {
            "id": id_of(business, "contacts", place),
            "name": name,
            "is_system": place == 0,
            "members": [],
        }
        for place, name in enumerate(words()["contact_groups"])
    ]


LISTS: Final[Mapping[str, Callable[[Business], list[Record]]]] = {
    "ad-engines": _engines,
    "available-virtual-numbers": _available_numbers,
    "blacklist-phone-numbers": _blacklist,
    "campaigns": _campaigns,
    "chat-channels": _chat_channels,
    "contact-organizations": _organizations,
    "deal-user-fields": _user_fields,
    "employee-positions": partial(_named, "position", "positions"),
    "employees": _employees,
    "geolocations": geolocations,
    "group-contacts": _contact_groups,
    "group-employees": _groups,
    "lead-user-fields": _user_fields,
    "media-files": _media_files,
    "offline-message-user-fields": _user_fields,
    "scenarios": _scenarios,
    "schedules": partial(_named, "schedule", "schedules"),
    "segments": _segments,
    "sip-line-virtual-numbers": _line_numbers,
    "sip-lines": _sip_lines,
    "site-blocks": _blocks,
    "sites": sites,
    "source-costs": _source_costs,
    "sources": _sources,
    "sources-channels": _source_channels,
    "sources-groups": _source_groups,
    "statuses": _statuses,
    "tags": _tags,
    "virtual-numbers": _virtual_numbers,
}
