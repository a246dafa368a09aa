"""The lists of the sandbox: what the business has, with the numbers that the reports show."""

from __future__ import annotations

import re

import pytest
from sandbox_client import call, refused, rows, sandbox, straight

from comagic_cli.query.catalog import list_named, lists

NOW_YEAR = {"date_from": "2026-10-01 00:00:00", "date_till": "2026-10-05 23:59:59"}
OWN = {"customer-users"}  # an agent's
ENTRIES = [entry for entry in lists() if entry.command not in OWN]
LISTS = [entry for entry in ENTRIES if entry.family == "list"]
OBJECTS = [entry for entry in ENTRIES if entry.family == "object"]
# Answered in shapes of their own, since before there were other lists.
OF_FLAT = {"account", "report-types", "reports-list", "report-filters"}
SAMPLES = {"string": "communications", "number": 5, "boolean": True, "array": [1, 2]}


@pytest.fixture(scope="module")
def box():
    made = sandbox()
    yield made
    made.close()


def needed(entry):
    """Return the parameters that a list can't do without."""
    params = {
        name: param.values[0] if param.values and param.type == "string" else SAMPLES[param.type]
        for name, param in entry.params.items()
        if param.required
    }
    own = {"call-session-recognition-info": {"call_session_id": 3201934634}}
    own |= {"report-state": {"report_id": 1001}}
    return params | own.get(entry.command, {}) | (NOW_YEAR if entry.dated else {})


def listed(box, command, **params):
    entry = list_named(command)
    page = {"limit": 10_000} if entry.paged else {}
    answer = straight(box, entry.method, **needed(entry), **page, **params)
    assert "result" in answer, answer
    return answer["result"]["data"]


def every(box, command):
    """Return all fields of all rows."""
    entry = list_named(command)
    fields = [field.name for field in entry.fields]
    return box.every_row(entry.method, fields=fields, **needed(entry))


@pytest.mark.parametrize(
    "entry", [each for each in LISTS if each.command not in OF_FLAT], ids=lambda each: each.command
)
def test_a_list_has_exactly_its_fields(box, entry):
    names = [field.name for field in entry.fields]
    if "fields" in entry.takes and names:
        found = listed(box, entry.command, fields=names)
        assert [list(row) for row in found] == [names] * len(found)
    else:
        found = listed(box, entry.command)
        known = {field.name for field in (*entry.fields, *entry.undocumented)}
        default = set(entry.default_fields()) or known
        assert all(set(row) == default for row in found)
    assert found
    if entry.key_is_unique:
        keys = [tuple(str(row[name]) for name in entry.key if name in row) for row in found]
        assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    "entry", [each for each in LISTS if each.command not in OF_FLAT], ids=lambda each: each.command
)
def test_the_types_are_the_documented_ones(box, entry):
    kinds = {
        "string": str,
        "number": int | float,
        "boolean": bool,
        "iso8601": str,
        "duration": int,
        "array": list,
        "object": dict,
    }
    for row in listed(box, entry.command)[:50]:
        for name, value in row.items():
            field = entry.field(name)
            if value is None or not field.type or (field.values and field.type == "boolean"):
                continue
            assert isinstance(value, kinds[field.type]), (name, value)
            if field.type == "iso8601":
                assert re.fullmatch(r"\d{4}-\d\d-\d\d( \d\d:\d\d:\d\d)?", value)


@pytest.mark.parametrize("entry", OBJECTS, ids=lambda each: each.command)
def test_an_object_is_one(box, entry):
    answer = straight(box, entry.method, **needed(entry))
    assert isinstance(answer["result"]["data"], dict)
    assert answer["result"]["data"]


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda each: each.command)
def test_parameters_are_checked(box, entry):
    answer = straight(box, entry.method, **needed(entry), colour=1)
    assert refused(answer) == ("unexpected_parameters", "colour")
    for name in needed(entry):
        rest = {other: value for other, value in needed(entry).items() if other != name}
        assert refused(straight(box, entry.method, **rest)) == ("required_parameter_missed", name)


FILTERED = [
    each
    for each in LISTS
    if "filter" in each.takes and each.command not in OF_FLAT and each.command != "contacts"
]


@pytest.mark.parametrize("entry", FILTERED, ids=lambda each: each.command)
def test_a_list_is_filtered_and_sorted_where_the_catalogue_lets(box, entry):
    found = every(box, entry.command) if "fields" in entry.takes else listed(box, entry.command)
    for field in entry.fields:
        value = found[0].get(field.name)
        where = {"field": field.name, "operator": "=", "value": value}
        asked = needed(entry) | ({"fields": [field.name]} if "fields" in entry.takes else {})
        answer = straight(box, entry.method, **asked, filter=where)
        if not field.filter:
            assert refused(answer) == ("filter_prohibited", field.name)
        elif isinstance(value, str | int):
            same = [row for row in found if row[field.name] == value]
            assert answer["result"]["metadata"]["total_items"] == len(same)
        order = [{"field": field.name, "order": "desc"}]
        answer = straight(box, entry.method, **asked, sort=order)
        if not field.sort:
            assert refused(answer) == ("sort_prohibited", field.name)
        elif isinstance(value, int):
            values = [row[field.name] for row in answer["result"]["data"]]
            assert values == sorted(values, key=lambda one: -(one or 0))


# Numbers that can be joined


@pytest.fixture(scope="module")
def calls(box):
    return rows(box, "calls-report")


def pairs(found, id_, name):
    return {(row[id_], row[name]) for row in found if row[id_] is not None}


@pytest.mark.parametrize(
    ("report", "id_", "name", "command", "key", "title"),
    [
        ("calls-report", "site_id", "site_domain_name", "sites", "id", "domain_name"),
        ("calls-report", "campaign_id", "campaign_name", "campaigns", "id", "name"),
        (
            "calls-report",
            "visitor_first_campaign_id",
            "visitor_first_campaign_name",
            "campaigns",
            "id",
            "name",
        ),
        ("calls-report", "source_id", "source_name", "sources", "id", "name"),
        ("calls-report", "source_id", "source_new", "sources", "id", "group_name"),
        ("calls-report", "source_id", "channel_code", "sources", "id", "channel_mnemonic"),
        ("calls-report", "scenario_id", "scenario_name", "scenarios", "id", "name"),
        ("calls-report", "cpn_region_id", "cpn_region_name", "geolocations", "id", "name"),
        ("calls-report", "contact_id", "contact_full_name", "contacts", "id", "full_name"),
        (
            "calls-report",
            "last_talked_employee_id",
            "last_talked_employee_full_name",
            "employees",
            "id",
            "full_name",
        ),
        ("call-legs-report", "employee_id", "employee_full_name", "employees", "id", "full_name"),
        ("call-legs-report", "group_id", "group_name", "group-employees", "id", "name"),
        ("chats-report", "chat_channel_id", "chat_channel_name", "chat-channels", "id", "name"),
        ("chat-messages-report", "channel_id", "channel_type", "chat-channels", "id", None),
        ("offline-messages-report", "group_id", "group_name", "group-employees", "id", "name"),
        ("goals-report", "campaign_id", "campaign_name", "campaigns", "id", "name"),
        ("visitor-sessions-report", "site_id", "site_domain_name", "sites", "id", "domain_name"),
    ],
)
def test_the_numbers_of_reports_are_those_of_lists(box, report, id_, name, command, key, title):
    shown = pairs(rows(box, report), id_, name)
    known = every(box, command)
    assert shown
    if title is None:
        assert {one for one, _ in shown} <= {row[key] for row in known}
    else:
        assert shown <= pairs(known, key, title)


def test_phones_tags_and_segments_are_those_of_lists(box, calls):
    numbers = {row["virtual_phone_number"] for row in every(box, "virtual-numbers")}
    assert {row["virtual_phone_number"] for row in calls} <= numbers
    assert {row["virtual_phone_number"] for row in every(box, "sip-lines")} <= numbers
    tags = pairs(every(box, "tags"), "id", "name")
    assert {(tag["tag_id"], tag["tag_name"]) for row in calls for tag in row["tags"]} == tags
    segments = pairs(every(box, "segments"), "id", "name")
    shown = {
        (one["segment_id"], one["segment_name"]) for row in calls for one in row["segments"] or ()
    }
    assert shown == segments
    contacts = {row["id"]: row for row in every(box, "contacts")}
    for row in calls:
        if row["contact_id"] is not None:
            assert contacts[row["contact_id"]]["phone_numbers"] == [row["contact_phone_number"]]


def test_lists_agree_with_each_other(box):
    employees = {row["id"]: row for row in every(box, "employees")}
    groups = {row["id"]: row for row in every(box, "group-employees")}
    for group in groups.values():
        for member in group["members"]:
            employee = employees[member["employee_id"]]
            assert employee["full_name"] == member["employee_full_name"]
            assert employee["groups"] == [{"group_id": group["id"], "group_name": group["name"]}]
    assert {row["employee_id"] for row in every(box, "sip-lines")} == set(employees)
    statuses = {row["id"]: row["mnemonic"] for row in every(box, "statuses")}
    assert all(statuses[row["status_id"]] == row["status"] for row in employees.values())
    positions = {row["id"] for row in every(box, "employee-positions")}
    assert {row["operator"]["operator_position_id"] for row in employees.values()} <= positions
    assert {row["schedule_id"] for row in employees.values()} <= {
        row["id"] for row in every(box, "schedules")
    }
    channels = pairs(every(box, "sources-channels"), "id", "name")
    assert pairs(every(box, "sources"), "channel_id", "channel_name") <= channels
    assert pairs(every(box, "sources-groups"), "channel_id", "channel_name") <= channels
    costs = pairs(every(box, "source-costs"), "source_id", "source_name")
    assert costs == pairs(every(box, "sources"), "id", "name")
    blocks = {row["id"] for row in every(box, "site-blocks")}
    assert {one["site_block_id"] for row in every(box, "sites") for one in row["site_blocks"]} == (
        blocks
    )
    organizations = pairs(every(box, "contact-organizations"), "id", "name")
    assert pairs(every(box, "contacts"), "organization_id", "organization_name") <= organizations
    free = {row["phone_number"] for row in every(box, "available-virtual-numbers")}
    assert not free & {row["virtual_phone_number"] for row in every(box, "virtual-numbers")}


# Large lists


@pytest.mark.parametrize("command", ["contacts", "geolocations"])
def test_large_lists_are_paged(box, command):
    method = list_named(command).method
    first = straight(box, method)["result"]
    size = first["metadata"]["total_items"]
    assert len(first["data"]) == 1000 < size
    found = [
        row
        for offset in range(0, size, 1000)
        for row in straight(box, method, limit=1000, offset=offset)["result"]["data"]
    ]
    assert len({row["id"] for row in found}) == size


def test_contacts_are_filtered_and_sorted(box):
    where = {"field": "organization_id", "operator": "is_not_null"}
    order = [{"field": "full_name", "order": "desc"}]
    found = straight(box, "get.contacts", filter=where, sort=order, limit=20)
    if "error" in found:  # as the catalogue says
        assert refused(found)[0] in {"filter_prohibited", "sort_prohibited"}
        return
    named = [row["full_name"] for row in found["result"]["data"] if row["full_name"]]
    assert named == sorted(named, reverse=True)
    assert all(row["organization_id"] for row in found["result"]["data"])


def test_geolocations_are_a_tree_and_found_by_ids(box):
    places = {row["id"]: row for row in every(box, "geolocations")}
    assert {row["parent_id"] for row in places.values()} - {None} <= set(places)
    some = list(places)[5:8]
    assert [row["id"] for row in listed(box, "geolocations", ids=some)] == some


def test_what_ids_name_has_a_row_each(box):
    found = straight(box, "get.visitors", ids=[11, 12])["result"]["data"]
    assert [row["id"] for row in found] == [11, 12]


def test_an_optional_parameter_chooses_rows(box):
    found = straight(box, "get.statuses", is_deleted=False)["result"]["data"]
    assert len(found) == len(every(box, "statuses"))
    assert straight(box, "get.statuses", is_deleted=True)["result"]["data"] == []


# Single objects


def test_a_recorded_call_was_recognised(box, calls):
    method = "getobj.call_session_recognition_info"
    recorded = next(row for row in calls if row["call_records"])
    said = straight(box, method, call_session_id=recorded["id"])["result"]["data"]
    assert said["call_start_date_time"] == recorded["start_time"]
    assert said["call_records"] == recorded["call_records"]
    assert {phrase["is_operator"] for phrase in said["speech_phrases"]} == {True, False}
    assert all(re.search("[а-яё]", phrase["phrase"]) for phrase in said["speech_phrases"])
    lost = next(row for row in calls if row["is_lost"])
    silent = straight(box, method, call_session_id=lost["id"])["result"]["data"]
    assert silent["speech_phrases"] == silent["call_records"] == []
    assert refused(straight(box, method, call_session_id=5)) == (
        "invalid_parameter_value",
        "call_session_id",
    )


def test_a_site_is_one_of_the_sites(box):
    site = every(box, "sites")[2]
    found = straight(box, "getobj.site", site_id=site["id"])["result"]["data"]
    assert (found["id"], found["domain_name"]) == (site["id"], site["domain_name"])
    few = straight(box, "getobj.site", site_id=site["id"], fields=["name"])["result"]["data"]
    assert few == {"name": site["name"]}
    wrong = straight(box, "getobj.site", site_id=5)
    assert refused(wrong) == ("invalid_parameter_value", "site_id")


def test_the_goals_are_those_of_the_report(box):
    tree = straight(box, "getobj.goals_tree")["result"]["data"]
    shown = {row["name"] for row in rows(box, "goals-report")}
    assert shown == {goal["name"] for goal in tree["goals"]}
    assert {goal["group_id"] for goal in tree["goals"]} == {
        group["id"] for group in tree["goals_groups"]
    }


# Accounts


def test_each_customer_has_its_own_numbers():
    box = sandbox(agent=True)
    ids = []
    for user in (7001, 7002):
        found = listed(box, "employees", user_id=user)
        ids.append({row["id"] for row in found})
        calls = rows(box, "calls-report", user_id=user, limit=200)
        staff = {one["employee_id"] for row in calls for one in row["employees"]}
        assert staff <= ids[-1]
    assert not ids[0] & ids[1]
    first, second = (listed(box, "contacts", user_id=user) for user in (7001, 7002))
    assert first != second
    assert refused(straight(box, "get.employees"))[0] == "required_parameter_missed"
    box.close()


def test_two_sandboxes_agree(box):
    other = sandbox()
    for command in ("contacts", "virtual-numbers", "events", "customers"):
        assert listed(other, command) == listed(box, command)
    other.close()


def test_lists_are_answered_over_http_and_written_down(box):
    with sandbox() as open_box:
        answer = call(open_box, "get.employees", fields=["id", "full_name"], limit=2, offset=1)
        assert answer["result"]["data"] == [
            {"id": row["id"], "full_name": row["full_name"]}
            for row in listed(box, "employees")[1:3]
        ]
        assert answer["result"]["metadata"]["total_items"] == 8
        assert open_box.journal[-1].rows == 2
