"""Fields of the older reports: the same business as the flat ones, in plain values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from comagic_cli.sandbox.data.business import (
    Row,
    clock,
    number_of,
    one_of,
    roll,
    salt,
    visit_id,
    words,
)
from comagic_cli.sandbox.data.calls import chats as flat_chats
from comagic_cli.sandbox.data.dealings import after, visits
from comagic_cli.sandbox.data.ids import (
    distinct,
    id_of,
    name_of,
    numbered,
    place_of,
    staff_of,
    traffic,
)
from comagic_cli.sandbox.data.talks import (
    communications,
    identity,
    kinds,
    pairs_of,
    seconds,
    shown,
    tags,
)
from comagic_cli.sandbox.data.texts import full_name, mail, phone, text_of
from comagic_cli.sandbox.data.visitor import (
    page,
    pages,
    site_fields,
    traffic_fields,
    visited,
    visitor_fields,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Maker = Callable[[Row], Any]
    Makers = dict[str, Maker]

_CHANNELS: Final = {
    "cpc": "paid",
    "classified": "referral",
    "geo": "referral",
    "offline": "affiliate",
}
_STATUSES: Final = {"closed": "succeed", "missed": "lost"}
CHANNEL_TYPES: Final = {"site": "comagic", "vk": "vkontakte_groups"}
_CAUSES: Final = {
    "operator": "closed_by_operator",
    "visitor": "closed_by_visitor",
    "system": "closed_by_timeout",
}
_GOALS: Final = {"page": "link", "js": "track_event", 12: "time_on_page"}
_TAGGED: Final = salt("tagged")


def plain(make: Maker, names: Mapping[Any, str] | None = None) -> Maker:
    """Make the id of an object of value and value_id, under another name where it has one."""
    known = names or {}

    def made(row: Row) -> str | None:
        value = make(row)
        if value is None or value["value_id"] is None:
            return None
        return known.get(value["value_id"], str(value["value_id"]))

    return made


def site_parts() -> Makers:
    """Make the site and its number."""
    return {
        "site_id": numbered("site", place_of("site", words()["sites"])),
        "site_domain_name": site_fields()["site_domain_name"],
    }


def traffic_parts() -> Makers:
    """Make the campaign, the source and the marks."""
    flat = traffic_fields()
    names: tuple[str, ...] = (
        "search_query",
        "referrer_domain",
        "referrer",
        "gclid",
        "yclid",
        "ymclid",
        "ef_id",
    )
    names += ("cm_id", "campaign_name", "source_name", "source_new", "channel_new", "channel_code")
    marks = ("utm_", "eq_utm_", "openstat_")
    makers = {name: make for name, make in flat.items() if name in names or name.startswith(marks)}
    code, engine, query = (flat[name] for name in ("channel_code", "source", "search_query"))
    makers["campaign_id"] = traffic("campaign")
    makers["source_id"] = traffic("source")
    makers["channel"] = lambda row: _CHANNELS.get(code(row), code(row))
    makers["search_engine"] = lambda row: engine(row) if query(row) else None
    return makers


def visitor_parts() -> Makers:
    """Make the visitor, his visit and what brought him first."""
    flat = visitor_fields()
    names: tuple[str, ...] = (
        "visitor_city",
        "visitor_region",
        "visitor_country",
        "visitor_id",
        "person_id",
    )
    names += ("ua_client_id", "ym_client_id", "entrance_page", "visitor_session_id")
    campaigns = [name_of("campaign", record) for record in distinct("campaign")]
    first = place_of("first campaign", campaigns)
    return {name: flat[name] for name in names} | {
        "visitor_type": plain(flat["visitor_type"]),
        "visitor_device": plain(flat["visitor_device"]),
        "visits_count": number_of("visits", 1, 30),
        "visit_other_campaign": one_of("other_campaign", [True, False, False]),
        "visitor_first_campaign_id": numbered("campaign", first),
        "visitor_first_campaign_name": one_of("first campaign", campaigns),
        "visitor_custom_properties": one_of("properties", words()["properties"], nothing=70),
        "segments": _segments(flat["segments"]),
    }


def _segments(make: Maker) -> Maker:
    names = words()["segments"]

    def made(row: Row) -> list[dict[str, Any]] | None:
        found = [each["segment_name"] for each in make(row) or ()]
        return [
            {"segment_id": id_of(row.business, "segment", names.index(name)), "segment_name": name}
            for name in found
        ] or None

    return made


def common_parts() -> Makers:
    """Make what the older reports of communications have in common."""
    number = number_of("number", 1, 5)
    sold, cost = number_of("sold", 0, 9), number_of("sale", 900_000, 45_000_000)
    makers: Makers = {
        "id": identity,
        "communication_id": identity,
        "communication_type": lambda row: row.kind,
        "communication_number": number,
        "communication_page_url": page("page"),
        "date_time": shown,
        "tags": tags_of,
        "attributes": kinds,
        "sale_date": lambda row: after(row, days=9) if sold(row) == 0 else None,
        "sale_cost": lambda row: cost(row) / 100 if sold(row) == 0 else None,
        "ext_id": one_of("older_ext", ["A-17", "B-4;2"], nothing=80),
    }
    return site_parts() | traffic_parts() | visited(visitor_parts()) | makers


def tags_of(row: Row) -> list[dict[str, Any]] | None:
    """Make the tags, with who set them and when."""
    value = tags(row)
    if value is None:
        return None
    names = words()["employees"]
    rolled = roll(row, _TAGGED, 1 << 16)
    by_hand = rolled % 3 != 0
    place = rolled % len(names)
    return [
        {
            "tag_id": item["id"],
            "tag_name": item["name"],
            "tag_type": "manual" if by_hand else "auto",
            "tag_change_time": after(row, minutes=rolled % 300),
            "tag_user_id": None,
            "tag_user_login": None,
            "tag_employee_id": id_of(row.business, "employee", place) if by_hand else None,
            "tag_employee_full_name": names[place] if by_hand else None,
        }
        for item in value["items"]
    ]


def communications_report() -> Makers:
    """Make the fields of communications."""
    return common_parts()


# Chats


def messages_of(row: Row) -> int:
    """Return how many messages a chat has."""
    return int(_MESSAGES(row))


_MESSAGES: Final = number_of("messages", 0, 60)


def _channel() -> Makers:
    names = words()["chat_channels"]
    return {
        "chat_channel_id": numbered("channel", place_of("channel_name", names)),
        "chat_channel_name": one_of("channel_name", names),
        "chat_channel_type": plain(pairs_of("chat_channel_type"), CHANNEL_TYPES),
    }


def chats_report() -> Makers:
    """Make the fields of chats."""
    flat, visitor = flat_chats(), visitor_fields()["visitor_id"]
    makers: Makers = {
        "status": plain(pairs_of("chat_status"), _STATUSES),
        "initiator": plain(pairs_of("chat_initiator"), {3: "chatbot"}),
        "duration": lambda row: clock(seconds(row)),
        "answer_time": flat["chat_answer_wait_duration"],
        "chat_ad_url": one_of("chat_ad", ["https://www.avito.ru/1700001", None, None]),
        "chat_user_id": lambda row: str(row.person),
        "chat_username": lambda row: f"client{row.person}" if row.person_hash & 3 == 0 else None,
        "messages_count": messages_of,
        "is_group_chat": one_of("group_chat", [True, *[False] * 9]),
        "is_transfer": flat["chat_is_transfer"],
        "release_cause": plain(pairs_of("chat_closed_by"), _CAUSES),
        "employee_id": _first_of_staff(0),
        "employee_full_name": _first_of_staff(1),
        "employee_messages_count": lambda row: messages_of(row) // 2 if staff_of(row) else 0,
        "employee_raiting": number_of("chat_rating", 1, 5, nothing=60),
        "visitor_ids": lambda row: [visitor(row)],
        "visitor_phone_number": lambda row: _digits(phone(row)) if row.hash % 3 else None,
        "visitor_profile_url": lambda row: (
            f"https://vk.com/id{row.person}" if row.person_hash & 7 == 1 else None
        ),
    }
    return common_parts() | _channel() | makers


def _first_of_staff(member: int) -> Maker:
    return lambda row: staff[0][member] if (staff := staff_of(row)) else None


def _digits(number: str) -> int:
    return int(number.lstrip("+"))


def chat_messages_report() -> Makers:
    """Make the fields of messages: the visitor writes first, then each in turn."""
    channel = _channel()
    hard = text_of("message text", "requests")
    visitor = visitor_fields()["visitor_id"]

    def by_operator(row: Row) -> bool:
        return bool(row.part % 2 and staff_of(row))

    def text(row: Row) -> str | None:
        if _is_file(row):
            return None
        if row.part == 0:
            return None if (first := hard(row)) is None else str(first)
        pool = words()["replies"] if row.part % 2 else words()["requests"]
        return str(pool[(row.hash + row.part * 7) % len(pool)])

    return {
        "id": message_id,
        "chat_id": identity,
        "date_time": shown,
        "is_group_chat": one_of("group_chat", [True, *[False] * 9]),
        "visitor_id": visitor,
        "text": text,
        "resource": _resource,
        "source": lambda row: (
            ("operator" if staff_of(row) else "chatbot") if row.part % 2 else "visitor"
        ),
        "employee_id": lambda row: _first_of_staff(0)(row) if by_operator(row) else None,
        "employee_full_name": lambda row: _first_of_staff(1)(row) if by_operator(row) else None,
        "channel_id": channel["chat_channel_id"],
        "channel_type": channel["chat_channel_type"],
    }


def message_id(row: Row) -> int:
    """Return the id of a message: unique, as that of its chat is among chats."""
    return row.identity * 64 + row.part


def _is_file(row: Row) -> bool:
    return (row.hash >> 8) % 61 == row.part and row.part > 0


def _resource(row: Row) -> dict[str, Any] | None:
    if not _is_file(row):
        return None
    return {
        "size": 1000 + row.hash % 900_000,
        "type": "image",
        "file_url": f"https://app.comagic.ru/system/media/chat/{message_id(row)}/",
        "file_name": "замер, кухня.jpg",
        "mime_type": "image/jpeg",
    }


# Requests and goals


def offline_messages_report() -> Makers:
    """Make the fields of requests; a technical one was sent by nobody."""
    flat = communications()
    groups = words()["employee_groups"]
    group = place_of("request_group", groups, nothing=30)
    statuses = one_of("request_status", ["processed", "not_processed", "processing"])
    makers: Makers = {
        "text": text_of("request", "requests"),
        "is_agree_to_process_personal_data": one_of("agreed", [True, True, None]),
        "is_agree_to_mailing": one_of("mailing", [True, False]),
        "status": statuses,
        "process_time": lambda row: (
            after(row, minutes=row.hash % 240) if statuses(row) == "processed" else None
        ),
        "form_type": plain(flat["offline_message_type"], {7: "quiz"}),
        "form_name": one_of("form", words()["forms"]),
        "employee_id": _first_of_staff(0),
        "employee_full_name": _first_of_staff(1),
        "employee_answer_message": text_of("answer message", "replies", nothing=50),
        "employee_comment": text_of("comment", "comments", nothing=60),
        "group_id": numbered("group", group),
        "group_name": one_of("request_group", groups, nothing=30),
        "visitor_name": full_name,
        "visitor_phone_number": lambda row: _digits(phone(row)),
        "visitor_email": mail,
        "properties": one_of("request_properties", ['{"Окна":"3"}'], nothing=80),
    }
    technical = {"text": "Проверка формы", "form_type": "tech", "visitor_name": None}
    made = common_parts() | makers

    def unless_technical(name: str) -> Maker:
        return lambda row: technical[name] if row.is_unusual else made[name](row)

    return made | {name: unless_technical(name) for name in technical}


def goals_report() -> Makers:
    """Make the fields of goals."""
    flat = communications()
    return common_parts() | {
        "name": flat["goal_name"],
        "type": plain(flat["goal_type"], _GOALS),
        "source": one_of("goal_source", ["comagic", "ym"]),
        "ext_id": lambda row: f"goal-{row.hash >> 44}" if row.hash & 1 else None,
    }


# Visits


def visitor_sessions_report() -> Makers:
    """Make the fields of visits; neighbours' ids don't follow their times."""
    flat, engine = visits(), _engine()
    names: tuple[str, ...] = (
        "visitor_ip_address",
        "visitor_browser_name",
        "visitor_browser_version",
    )
    names += ("visitor_os_name", "visitor_os_version", "visitor_provider", "visitor_screen")
    names += ("visitor_language",)
    makers: Makers = {
        "id": lambda row: visit_id(row.index),
        "date_time": shown,
        "duration": _visit_seconds,
        "engine": engine,
        "integrated_campaign_data": _advertisement(engine),
        "hits_count": flat["visit_depth"],
        "hits": _hits(flat["visit_depth"]),
        "exit_page": page("exit"),
        "ext_id": one_of("visit_ext", ["v-1", "v-2"], nothing=90),
        "communications": lambda row: _of_visit(row) if row.index % 3 == 0 else None,
    }
    return (
        site_parts()
        | traffic_parts()
        | visitor_parts()
        | {name: flat[name] for name in names}
        | makers
    )


def _visit_seconds(row: Row) -> int:
    return row.hash >> 33 & 2047


def _engine() -> Maker:
    names = {"Яндекс": "yandex.direct", "Google": "google.adwords", "VK": "vk.ads"}
    source, company = (traffic_fields()[name] for name in ("source", "pc"))
    return lambda row: names.get(source(row)) if company(row) else None


def _advertisement(engine: Maker) -> Maker:
    flat = traffic_fields()
    device = plain(visitor_fields()["visitor_device"])

    def made(row: Row) -> dict[str, Any] | None:
        name = flat["pc"](row)
        if name is None:
            return None
        number = row.hash >> 40 & 0xFFFF
        return {
            "adv_system": engine(row),
            "ext_campaign_id": name.split()[0],
            "ext_campaign_name": name,
            "keyword_id": str(700_000 + number),
            "keyword": flat["kw"](row),
            "banner_id": 800_000 + number,
            "banner_name": flat["ad"](row),
            "group_id": 900_000 + number % 97,
            "group_name": flat["gr"](row),
            "auditory_id": None,
            "auditory_name": None,
            "placement_name": flat["referrer_domain"](row),
            "yandex_placement_type": "search",
            "campaign_type": "text",
            "device_type": device(row),
            "position_type": "premium",
            "yandex_region_id": 213,
            "yandex_region_name": "Москва",
            "yandex_region_type": "city",
        }

    return made


def _hits(depth: Maker) -> Maker:
    addresses = pages()

    def made(row: Row) -> list[dict[str, Any]]:
        count = depth(row)
        each = _visit_seconds(row) // count
        return [
            {
                "hit_time": after(row, seconds=place * each),
                "hit_duration": clock(each),
                "hit_url": addresses[(row.hash + place * 5) % len(addresses)],
            }
            for place in range(count)
        ]

    return made


def _of_visit(row: Row) -> list[dict[str, Any]]:
    return [
        {
            "communication_type": row.kind,
            "communication_id": row.identity,
            "communication_date_time": row.shown,
        }
    ]
