"""What tells most: which columns come first where not all have room, and what is good or bad."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from comagic_cli.output.flatten import ENUM
from comagic_cli.request.catalog import Field

# Patterns of the fields' names, the most telling first; a field is as telling as the first of them
# that matches the whole of its name. What matches none stands at `OTHERS`.
TELLING = (
    r"customer_id|user_id",  # in front of the rows of several clients
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
OTHERS = TELLING.index("OTHERS")
_RANKS = [re.compile(pattern) for pattern in TELLING]

BAD, WAITING, GOOD = "31", "35", "32"  # red, magenta, green: seen on dark and on light
# Words of a value or of its id, without the dots of the Russian letter. The first that matches says
# what it means: a call that was `not answered` is no answered one.
_MEANINGS = {
    BAD: r"lost|missed|no[t_ ]+answer|not_processed|unanswered|unsuccessful|abandoned|busy|error"
    r"|fail|reject|declined|cancell?ed|timeout|bad_|denied|потерян|пропущен|нет ответа"
    r"|не отвеч|не обработан|неуспеш|занято|ошибк|сбой|отклонен|отменен|превышен|неверн",
    WAITING: r"\bactive\b|queued|pending|in_(work|progress)|активен|в очереди|в работе|ожида",
    GOOD: r"\bsuccess|\banswered|\bprocessed|\bsent\b|delivered|completed|\bclosed\b|успешн"
    r"|обработан|отправлен|доставлен|завершен\b|принят\b|состоял",
}
_WORDS = [(style, re.compile(words)) for style, words in _MEANINGS.items()]


def rank(name: str) -> int:
    """Tell how telling a field is by its name: the less, the more."""
    return next((place for place, known in enumerate(_RANKS) if known.fullmatch(name)), OTHERS)


PARTS_OF_TIME = frozenset({"call_start_date", "call_start_time"})  # telling, where nothing is both


def telling_first(names: Sequence[str], texts: Sequence[Sequence[str]]) -> list[int]:
    """Order columns by their fields' names: the most telling first, those without a text last."""
    empty = [not any(column) for column in texts] if any(texts) else [False] * len(names)
    first = frozenset() if "call_start_date_time" in names else PARTS_OF_TIME
    ranks = [-1 if name in first else rank(name) for name in names]
    return sorted(range(len(names)), key=lambda place: (empty[place], ranks[place], place))


def is_enum(field: Field) -> bool:
    """Tell whether the catalogue says that a field is one of a list of values."""
    names = {member.name for member in field.members}
    return field.type == "object" and names <= ENUM and field.name != "tags"


def meaning(value: Any) -> str:
    """Return the colour of `{value, value_id}`; "" for what is neither good nor bad."""
    if not isinstance(value, dict):
        return ""
    words = f"{value.get('value_id')} {value.get('value')}".lower().replace("ё", "е")  # noqa: RUF001 - Russian
    return next((style for style, known in _WORDS if known.search(words)), "")
