"""The catalogue: its reports, and what it says of their fields."""

from __future__ import annotations

import pytest

from comagic_cli.errors import UnknownField
from comagic_cli.query.catalog import (
    Column,
    Field,
    Member,
    find_field,
    find_filter_field,
    name_first_columns,
    report,
    reports,
    with_more,
)
from comagic_cli.query.fields import choose_columns


def test_every_report_is_found_by_its_command():
    assert [report(entry.command) for entry in reports()] == list(reports())


@pytest.mark.parametrize(
    ("titles", "named"),
    [
        (
            [("id", "Number"), ("tags", "Теги")],
            ["ID клиента", "ID пользователя", "Название клиента"],
        ),
        ([("id", "Number")], ["Customer ID", "User ID", "Customer name"]),
    ],
)
def test_the_columns_of_customers_have_titles_in_the_language_of_the_account(titles, named):
    assert [title for _, title in name_first_columns(titles)] == named


@pytest.mark.parametrize("name", ["", "call", "Calls", "get.calls"])
def test_no_other_name_finds_a_report(name):
    with pytest.raises(KeyError, match=f"'{name}'"):
        report(name)


UNDOCUMENTED = {
    "communications": [
        *("communication_hour", "communication_weekday", "communication_month"),
        *("communication_year", "chat_type", "offline_message_form_name"),
    ],
    "calls": ["employee_rating"],
    "leads": ["lead_current_funnel"],
    "mgf-calls": ["call_start_date_time", "call_processed_mark_duration", "tags"],
    "call-details": ["communication_number", "deals"],
}


def test_undocumented_fields_are_known_and_only_asked_for_by_name():
    assert {
        entry.command: [field.name for field in entry.undocumented]
        for entry in reports()
        if entry.undocumented
    } == UNDOCUMENTED
    for command, names in UNDOCUMENTED.items():
        known = report(command)
        assert choose_columns(known, [",".join(names)]) == tuple(names)
        assert not set(names) & set(choose_columns(known, ["@all"]))
        assert not any(known.field(name).documented for name in names)


@pytest.mark.parametrize(
    ("command", "name", "alias"),
    [
        ("person-details", "communicatons_count", "communications_count"),
        ("call-details", "redirection_info", "call_redirection_info"),
    ],
)
def test_a_field_that_rows_name_otherwise_has_both_names(command, name, alias):
    field = report(command).field(name)
    assert field.aliases == (alias,)
    found = find_field(report(command), alias, "--fields")
    assert (found.name, found.aliases, found.type) == (alias, (name,), field.type)
    assert report(command).field(alias) == found


def shape(members):
    return {member.name: shape(member.members) or member.type for member in members}


COMMENT = {"comment": "string", "communication_id": "number", "communication_type": "string"}
YES_NO = {"value": "string", "value_id": "boolean"}
PHONE = {"value": "string", "extra": {"call_status": "string", "call_direction": "string"}}
STEP = dict.fromkeys(("event_name", "event_text", "event_time", "event_mnemonic"), "string")
OUTCOME = {"duration": "number", "is_failed": "boolean", "fail_hint": "string", "data": "array"}
FLAGS = {"is_bold": "boolean", "is_leaf": "boolean"}


@pytest.mark.parametrize(
    ("command", "name", "kind", "members"),
    [
        (
            *("calls", "call_scenario_actions", "array"),
            {"action_id": "number", "action_name": "string"},
        ),
        ("calls", "cdrs", "array", {"id": "number", "date_time": "iso8601"}),
        ("call-details", "communication_comment", "object", COMMENT),
        (
            *("call-details", "call_events", "array"),
            STEP | FLAGS | OUTCOME | {"event_type": "string", "event_icon_mnemonic": "string"},
        ),
        (
            *("call-details", "call_records", "object"),
            {
                "links": "array",
                "links_name": "array",
                "communication_id": "number",
                "call_start_date_time": "string",
                "contact_phone_number": PHONE,
                "is_blacklisted_phone": YES_NO,
                "virtual_phone_number": "string",
                "communication_comment": COMMENT,
            },
        ),
        (
            *("person-details", "person_events", "array"),
            STEP | FLAGS | OUTCOME | {"event_id": "number", "person_id": "number"},
        ),
    ],
)
def test_nested_values_have_the_members_that_the_service_answers(command, name, kind, members):
    field = report(command).field(name)
    assert (field.type, shape(field.members)) == (kind, members)


@pytest.mark.parametrize("command", ["communications", "visits"])
def test_a_member_that_can_be_filtered_by_is_found_for_filters_only(command):
    known = report(command)
    assert find_filter_field(known, "segment_name", "--where") == Field("segment_name", "string")
    with pytest.raises(UnknownField) as caught:
        find_field(known, "segment_name", "--fields")
    assert not caught.value.in_filter
    with pytest.raises(UnknownField) as caught:
        find_filter_field(known, "ext_id", "--where")
    assert caught.value.in_filter


def test_the_account_says_which_numbers_are_durations_and_what_can_be_filtered_by():
    columns = [
        Column("visit_depth", data_type="time"),
        Column("segs", data_type="segment_list"),
        Column("cd_5", data_type="duration", is_custom=True, is_dimension=True),
    ]
    known = with_more(report("visits"), columns)
    assert report("visits").field("visit_depth").type == "number"
    assert known.field("visit_depth").type == "duration"
    assert known.more == (Field("segs", "array", members=(Member("segment_name", "string"),)),)
    assert [field.name for field in known.known if field.name == "cd_5"] == []
    assert find_filter_field(known, "cd_5", "--where").type == "duration"
