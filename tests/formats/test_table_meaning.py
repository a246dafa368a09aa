"""Which columns tell most, and which values are good or bad."""

from __future__ import annotations

import pytest

from comagic_cli.formats.display import BAD, GOOD, WAITING, is_coded, order_columns, status_color
from comagic_cli.query.catalog import Field, report, reports

# A value, its id, and what they mean.
MEANINGS = [
    ("Успешный", "success", GOOD),
    ("Принятый", "received", GOOD),
    ("Пропущенный", "lost", BAD),
    ("Не успешен", "failure", BAD),
    ("Успешен", "success", GOOD),
    ("Потерянный", "lost", BAD),
    ("Потерянный звонок", None, BAD),
    ("Пропущен", "missed", BAD),
    ("Нет ответа", "no_answer", BAD),
    ("Не обработан", "not_processed", BAD),
    ("Обработан", "processed", GOOD),
    ("Неуспешный", None, BAD),
    ("Завершён", "closed", GOOD),
    ("Завершение звонка", "call_finished", ""),
    ("Активен", "active", WAITING),
    ("В работе", 2, WAITING),
    ("unsuccessful", 7, BAD),
    ("Not answered", None, BAD),
    ("Answered", None, GOOD),
    ("Входящий", "in", ""),
    ("Да", True, ""),
    (None, None, ""),
]


@pytest.mark.parametrize(("value", "value_id", "style"), MEANINGS)
def test_what_a_value_means(value, value_id, style):
    assert status_color({"value": value, "value_id": value_id}) == style


@pytest.mark.parametrize("value", [None, "lost", 5, [], {}])
def test_what_is_no_enum_means_nothing(value):
    assert status_color(value) == ""


@pytest.mark.parametrize(
    ("name", "enum"),
    [("call_status", True), ("tags", False), ("communication_id", False), ("employees", False)],
)
def test_which_fields_are_enums(name, enum):
    assert is_coded(report("communications").field(name)) is enum


def test_a_field_without_members_is_an_enum_where_it_is_an_object():
    assert is_coded(Field("new", "object"))


# The first columns of each report, where not all have room.
FIRST = {
    "communications": ["communication_date_time", "communication_type", "contact_phone_number"],
    "calls": ["call_start_date_time", "contact_phone_number", "call_status", "crm_contact_name"],
    "chats": ["chat_start_date_time", "contact_phone_number", "chat_status", "contact_full_name"],
    "leads": ["lead_date_time", "communication_date_time", "communication_type"],
    "deals": ["deal_date_time", "communication_date_time", "communication_type"],
    "visits": ["visit_date_time", "person_id", "source_name"],
    "sms": ["sms_date_time", "contact_phone_number", "sms_message"],
    "tags-history": ["tagging_date_time", "tag_name"],
    "notifications": ["notification_start_date_time", "notification_name"],
    "api-requests": ["api_request_start_date_time", "api_request_method"],
    "mgf-calls": ["call_start_date", "call_start_time", "contact_phone_number", "call_status"],
    "call-details": ["call_start_date_time", "contact_phone_number", "call_status"],
    "calls-report": ["start_time", "communication_type", "contact_phone_number", "is_lost"],
    "call-legs-report": ["start_time", "calling_phone_number", "called_phone_number", "direction"],
    "financial-call-legs-report": ["start_time", "calling_phone_number", "called_phone_number"],
    "communications-report": ["date_time", "communication_type", "person_id"],
    "chats-report": ["date_time", "visitor_phone_number", "status"],
    "chat-messages-report": ["date_time", "text", "employee_full_name"],
    "offline-messages-report": ["date_time", "visitor_phone_number", "status", "visitor_name"],
    "goals-report": ["date_time", "communication_type"],
    "visitor-sessions-report": ["date_time", "person_id"],
    "campaign-daily-stat": ["date", "campaign_name"],
    "ct-summary-report": ["site_domain", "dt_ratio", "calls_count"],
    "ct-ac-summary-report": ["ac_name", "dt_ratio"],
    "employee-stat": ["full_name", "status_stats"],
    "person-details": ["first_communication_date_time", "visitor_phones", "person_id"],
}


def places_of(names, texts):
    return order_columns([Field(name) for name in names], texts).places


@pytest.mark.parametrize("command", [entry.command for entry in reports()])
def test_the_most_telling_come_first(command):
    names = report(command).default_fields()
    texts = [["x"]] * len(names)
    order = [names[place] for place in places_of(names, texts)]
    assert order[: len(FIRST[command])] == FIRST[command]
    assert sorted(order) == sorted(names)


def test_whose_rows_they_are_comes_before_all():
    names = ["call_start_date_time", "customer_id", "user_id", "customer_name"]
    assert places_of(names, [["x"]] * 4) == [2, 3, 0, 1]


def test_empty_columns_come_last_where_others_are_not():
    names = ["call_status", "kw", "site_name"]
    assert places_of(names, [[""], ["x"], ["y"]]) == [1, 2, 0]
    assert places_of(names, [[""], [""], [""]]) == [0, 1, 2]
    assert places_of(names, [[], [], []]) == [0, 1, 2]
