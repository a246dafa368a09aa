"""The older reports of the sandbox: the same business as the flat ones, in plain values."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import pytest
from sandbox_client import IDS, PERIOD, ask, refused, rows, sandbox, straight, total

from comagic_cli.query.catalog import flat_reports, report, reports
from comagic_cli.sandbox.methods.filters import to_seconds
from comagic_cli.sandbox.quirks import Arrival

OLDER = [entry for entry in reports() if entry.family == "older"]
COMMANDS = [entry.command for entry in OLDER]
SUMS = ["campaign-daily-stat", "ct-summary-report", "ct-ac-summary-report", "employee-stat"]
TIMED = [command for command in COMMANDS if command not in SUMS]
OWN_ORDER = ["offline-messages-report", "goals-report", "visitor-sessions-report"]
SITE = 30001


@pytest.fixture(scope="module")
def box():
    made = sandbox()
    yield made
    made.close()


def more(command):
    return {"site_id": SITE} if "site_id" in report(command).params else {}


def found(box, command, *args, **kwargs):
    return rows(box, command, *args, **more(command), **kwargs)


# The same facts as in the flat reports


def id_of(value):
    return value["value_id"]


def names(staff):
    return [one["employee_full_name"] for one in staff]


CALLS = {
    "id": ("communication_id", None),
    "communication_id": ("communication_id", None),
    "start_time": ("call_start_date_time", None),
    "finish_time": ("call_finish_date_time", None),
    "virtual_phone_number": ("virtual_phone_number", None),
    "contact_phone_number": ("contact_phone_number", lambda phone: phone["value"]),
    "contact_full_name": ("contact_full_name", None),
    "direction": ("call_direction", id_of),
    "source": ("call_type", id_of),
    "finish_reason": ("call_finish_reason", id_of),
    "is_transfer": ("call_is_transfer", id_of),
    "is_lost": ("call_status", lambda status: id_of(status) == "lost"),
    "talk_duration": ("call_talk_duration", to_seconds),
    "wait_duration": ("call_await_talk_duration", to_seconds),
    "total_duration": ("call_total_duration", None),
    "scenario_name": ("call_scenario", None),
    "call_records": ("call_records", None),
    "site_domain_name": ("site_domain_name", None),
}
COMMUNICATIONS = {
    "id": ("communication_id", None),
    "communication_type": ("communication_type", id_of),
    "date_time": ("communication_date_time", None),
    "communication_number": ("communication_number", None),
    "communication_page_url": ("communication_page_url", None),
    "attributes": ("communication_kinds", None),
    "site_domain_name": ("site_domain_name", None),
    "campaign_name": ("campaign_name", None),
    "source_name": ("source_name", None),
    "utm_campaign": ("utm_campaign", None),
    "eq_utm_source": ("eq_utm_source", None),
    "yclid": ("yclid", None),
    "referrer": ("referrer", None),
    "visitor_id": ("visitor_id", None),
    "person_id": ("person_id", None),
    "visitor_session_id": ("visitor_session_id", None),
    "visitor_city": ("visitor_city", None),
    "visitor_device": ("visitor_device", id_of),
    "ym_client_id": ("ym_client_id", None),
}
CHATS = {
    "id": ("communication_id", None),
    "date_time": ("chat_start_date_time", None),
    "duration": ("chat_duration", None),
    "answer_time": ("chat_answer_wait_duration", None),
    "messages_count": ("chat_messages_count", None),
    "chat_channel_name": ("chat_channel_name", None),
    "is_transfer": ("chat_is_transfer", None),
    "person_id": ("person_id", None),
    "site_domain_name": ("site_domain_name", None),
}
REQUESTS = {
    "id": ("communication_id", None),
    "date_time": ("communication_date_time", None),
    "text": ("offline_message_text", None),
    "visitor_name": ("contact_full_name", None),
    "visitor_email": ("offline_message_email", None),
    "visitor_phone_number": ("contact_phone_number", lambda phone: int(phone.lstrip("+"))),
    "campaign_name": ("campaign_name", None),
}
GOALS = {
    "id": ("communication_id", None),
    "date_time": ("communication_date_time", None),
    "name": ("goal_name", None),
    "campaign_name": ("campaign_name", None),
}
VISITS = {
    "id": ("visitor_session_id", int),
    "date_time": ("visit_date_time", None),
    "site_domain_name": ("site_domain_name", None),
    "campaign_name": ("campaign_name", None),
    "visitor_id": ("visitor_id", None),
    "visitor_ip_address": ("visitor_ip_address", None),
    "hits_count": ("visit_depth", None),
}


def facts(row, fields):
    return tuple(str(row[name]) for name in fields)


def plain(row, fields):
    return tuple(str(make(row[name]) if make else row[name]) for name, make in fields.values())


def flat_rows(box, command):
    """Return the rows of a flat report; of calls with all that any report says of them."""
    found = rows(box, command)
    if command != "calls":
        return found
    calls = {row["communication_id"]: row for row in found}
    details = rows(box, "call-details", entity_ids=list(calls))
    for row in (*details, *rows(box, "mgf-calls")):
        calls[row["communication_id"]] = row | calls[row["communication_id"]]
    return list(calls.values())


@pytest.mark.parametrize(
    ("older", "flat", "kinds", "fields"),
    [
        ("calls-report", "calls", None, CALLS),
        (
            "communications-report",
            "communications",
            {"call", "chat", "goal", "offline_message"},
            COMMUNICATIONS,
        ),
        ("chats-report", "chats", None, CHATS),
        ("offline-messages-report", "communications", {"offline_message"}, REQUESTS),
        ("goals-report", "communications", {"goal"}, GOALS),
        ("visitor-sessions-report", "visits", None, VISITS),
    ],
)
def test_an_older_report_shows_what_the_flat_one_does(box, older, flat, kinds, fields):
    of_kind = [
        row
        for row in flat_rows(box, flat)
        if kinds is None or row["communication_type"]["value_id"] in kinds
    ]
    old = rows(box, older)
    assert len(old) > 50
    assert sorted(facts(row, fields) for row in old) == sorted(
        plain(row, fields) for row in of_kind
    )


def test_calls_have_the_same_employees_and_tags(box):
    flat = {row["communication_id"]: row for row in rows(box, "calls")}
    for row in rows(box, "calls-report"):
        same = flat[row["id"]]
        assert names(row["employees"]) == names(same["employees"])
        tags = [tag["tag_id"] for tag in row["tags"]]
        assert tags == [tag["id"] for tag in (same["tags"] or {"items": []})["items"]]
        assert row["is_lost"] == (not row["call_records"])
        assert bool(row["full_record_file_link"]) == bool(row["call_records"])


def test_each_call_has_a_leg_of_its_contact_and_of_each_employee(box):
    legs, paid = rows(box, "call-legs-report"), rows(box, "financial-call-legs-report")
    by_call = defaultdict(list)
    for leg in legs:
        by_call[leg["call_session_id"]].append(leg)
    for call in rows(box, "calls-report"):
        contact, *staff = by_call.pop(call["id"])
        assert (contact["start_time"], contact["duration"]) == (
            call["start_time"],
            call["talk_duration"],
        )
        assert [leg["employee_full_name"] for leg in staff] == names(call["employees"])
        talked = [leg["employee_id"] for leg in staff if leg["is_talked"]]
        assert talked == [one["employee_id"] for one in call["employees"] if one["is_talked"]]
    assert not by_call
    names_of_leg = ("call_session_id", "start_time", "duration", "calling_phone_number")
    assert len({leg["id"] for leg in legs}) == len(legs)
    assert [(leg["id"], *facts(leg, names_of_leg)) for leg in legs] == [
        (leg["leg_id"], *facts(leg, names_of_leg)) for leg in paid
    ]


def test_a_chat_has_as_many_messages_as_it_says(box):
    chats = {chat["id"]: chat for chat in rows(box, "chats-report")}
    messages = rows(box, "chat-messages-report")
    times = [message["date_time"] for message in messages]
    assert times == sorted(times)
    assert len({message["id"] for message in messages}) == len(messages)
    counts = Counter(message["chat_id"] for message in messages)
    wrong = {id_ for id_, chat in chats.items() if counts[id_] != chat["messages_count"]}
    assert len(wrong) <= 1  # that goes on beyond the period
    some = sorted(chats)[:3]
    answer = straight(box, "get.chat_messages_report", chat_ids=some, limit=10_000)["result"]
    assert {row["chat_id"] for row in answer["data"]} <= set(some)
    assert answer["metadata"]["total_items"] == sum(chats[id_]["messages_count"] for id_ in some)
    one = straight(box, "get.chat_messages_report", chat_id=some[0])["result"]
    assert one["metadata"]["total_items"] == chats[some[0]]["messages_count"]


# Sums


def test_the_sums_of_call_tracking_are_those_of_the_calls(box):
    calls = rows(box, "calls-report")
    by_site = Counter(call["site_id"] for call in calls)
    sums = rows(box, "ct-summary-report")
    assert {row["site_id"]: row["calls_count"] for row in sums} == by_site
    without = sum(call["visitor_session_id"] is None for call in calls)
    assert sum(row["non_session_calls_count"] for row in sums) == without
    by_campaign = Counter(call["campaign_id"] for call in calls if call["site_id"] == SITE)
    of_site = rows(box, "ct-ac-summary-report", site_id=SITE)
    assert {row["ac_id"]: row["calls_count"] for row in of_site if row["calls_count"]} == (
        by_campaign
    )


def test_sums_are_of_exactly_the_period(box):
    hours = ("2026-10-01 09:00:00", "2026-10-01 12:59:59")
    sums = rows(box, "ct-summary-report", hours)
    assert sum(row["calls_count"] for row in sums) == total(box, "calls-report", hours)


def test_employees_talked_as_long_as_their_calls(box):
    talked = Counter()
    for call in rows(box, "calls-report"):
        talked[call["last_talked_employee_id"]] += call["talk_duration"]
    stats = rows(box, "employee-stat")
    assert {row["id"]: row["status_stats"]["talk"] for row in stats} == {
        row["id"]: talked[row["id"]] for row in stats
    }
    usual = rows(box, "employee-stat", only_default_statuses_in_stats=True)
    assert set(stats[0]["status_stats"]) - set(usual[0]["status_stats"]) == {"measuring"}


def test_campaigns_are_counted_by_day(box):
    stats = rows(box, "campaign-daily-stat", site_id=SITE)
    assert sorted({row["date"] for row in stats}) == [f"2026-10-0{day}" for day in range(1, 6)]
    counted = Counter(
        (call["start_time"][:10], call["campaign_id"])
        for call in rows(box, "calls-report")
        if call["site_id"] == SITE and call["campaign_id"]
    )
    assert {
        (row["date"], row["campaign_id"]): row["calls_count"] for row in stats if row["calls_count"]
    } == counted
    noon = ("2026-10-01 12:00:00", "2026-10-05 23:59:59")
    assert rows(box, "campaign-daily-stat", noon, site_id=SITE) == stats


# Parameters


@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_is_answered(box, command):
    for row in found(box, command, limit=20):
        assert list(row) == [field.name for field in report(command).fields]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("fields", [{}, {"fields": []}])
def test_without_fields_the_default_ones_come(box, command, fields):
    type_ = report(command)
    period = {"date_from": PERIOD[0], "date_till": PERIOD[1]}
    answer = straight(box, type_.method, **period, **fields, **more(command))["result"]
    assert answer["data"]
    assert set(answer["data"][0]) == set(type_.default_fields())
    assert len(answer["data"]) <= 1000
    assert answer["metadata"]["limits"]


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("changes", "mnemonic", "field"),
    [
        ({"report_id": 1001}, "unexpected_parameters", "report_id"),
        ({"report_type": "calls"}, "unexpected_parameters", "report_type"),
        ({"date_from": None}, "required_parameter_missed", "date_from"),
        ({"date_till": None}, "required_parameter_missed", "date_till"),
        ({"fields": ["colour"]}, "unexpected_parameters", "fields"),
        ({"sort": [{"field": "colour"}]}, "unexpected_parameters", "sort"),
        ({"limit": 10_001}, "invalid_parameter_value", "limit"),
        ({"offset": 100_001}, "invalid_parameter_value", "offset"),
    ],
)
def test_what_is_wrong_is_refused(box, command, changes, mnemonic, field):
    assert refused(ask(box, command, **{**more(command), **changes})) == (mnemonic, field)


@pytest.mark.parametrize(
    ("command", "period", "quirks", "words"),
    [
        ("calls-report", ("2026-07-01 00:00:00", "2026-09-29 00:00:01"), {}, "3 months"),
        ("employee-stat", ("2026-06-01 00:00:00", "2026-09-29 00:00:00"), {}, "3 months"),
        ("chat-messages-report", ("2026-09-01 00:00:00", "2026-10-01 00:00:01"), {}, "30 days"),
        ("calls-report", PERIOD, {"older_days": 4}, "4 days"),
        ("calls-report", PERIOD, {"max_days": 4, "interval_text": "{} дня"}, "4 дня"),
    ],
)
def test_a_longer_period_is_refused_in_these_words(command, period, quirks, words):
    box = sandbox(**quirks)
    error = ask(box, command, period, limit=1)["error"]
    box.close()
    assert error["message"] == f"Max value of requested date interval is {words}"
    assert (error["data"]["mnemonic"], error["code"]) == ("date_interval_limit_reached", -32602)


@pytest.mark.parametrize("command", TIMED)
def test_the_longest_period_is_answered(box, command):
    days = report(command).max_days
    period = (f"2026-{9 - days // 30:02}-03 00:00:00", "2026-09-01 00:00:00")
    assert "result" in ask(box, command, period, limit=1)


def test_the_flat_reports_keep_their_cap():
    box = sandbox(older_days=1)
    assert rows(box, "calls", limit=1)
    box.close()


@pytest.mark.parametrize("command", ["campaign-daily-stat", "ct-ac-summary-report"])
def test_the_site_is_needed(box, command):
    assert refused(ask(box, command)) == ("required_parameter_missed", "site_id")
    assert refused(ask(box, command, site_id=7)) == ("invalid_parameter_value", "site_id")


@pytest.mark.parametrize(
    ("params", "mnemonic", "field"),
    [
        ({}, "required_parameter_missed", "date_from"),
        ({"chat_ids": ["a"]}, "data_type_error", "chat_ids"),
        ({"chat_ids": 5}, "data_type_error", "chat_ids"),
    ],
)
def test_messages_need_dates_or_chats(box, params, mnemonic, field):
    assert refused(straight(box, "get.chat_messages_report", **params)) == (mnemonic, field)


# Filters and orders


@pytest.mark.parametrize("command", COMMANDS)
def test_the_catalogue_says_what_can_be_filtered_and_sorted_by(box, command):
    for field in report(command).fields:
        where = {"field": field.name, "operator": "is_not_null"}
        answer = ask(box, command, filter=where, limit=1, **more(command))
        assert ("error" in answer) != field.filter
        if not field.filter:
            assert refused(answer) == ("filter_prohibited", field.name)
        answer = ask(box, command, sort=[{"field": field.name}], limit=1, **more(command))
        assert ("error" in answer) != field.sort
        if not field.sort:
            assert refused(answer) == ("sort_prohibited", field.name)


@pytest.mark.parametrize(
    ("command", "field", "operator", "value"),
    [
        ("calls-report", "is_lost", "=", True),
        ("calls-report", "direction", "=", "in"),
        ("calls-report", "talk_duration", ">", 600),
        ("communications-report", "communication_type", "=", "chat"),
        ("call-legs-report", "is_operator", "=", False),
        ("chats-report", "status", "!=", "lost"),
        ("chat-messages-report", "employee_id", "=", 20001),
        ("visitor-sessions-report", "visitor_device", "=", "mobile"),
        ("ct-summary-report", "calls_count", ">", 65),
        ("employee-stat", "full_name", "ilike", "%павел%"),
        ("campaign-daily-stat", "date", "=", "2026-10-02"),
    ],
)
def test_rows_are_filtered(box, command, field, operator, value):
    tests = {
        "=": lambda found: found == value,
        "!=": lambda found: found is not None and found != value,
        ">": lambda found: found > value,
        "ilike": lambda found: value.strip("%") in found.lower(),
    }
    where = {"field": field, "operator": operator, "value": value}
    every = found(box, command, fields=[field])
    kept = [row for row in every if tests[operator](row[field])]
    assert 0 < len(kept) < len(every)
    assert found(box, command, fields=[field], filter=where) == kept


@pytest.mark.parametrize("command", COMMANDS)
def test_an_empty_filter_is_none(box, command):
    assert found(box, command, filter=[], limit=50) == found(box, command, limit=50)


@pytest.mark.parametrize("command", [name for name in TIMED if name not in OWN_ORDER])
def test_rows_are_sorted_by_time_and_paged(box, command):
    [time] = report(command).time
    every = found(box, command)
    assert [row[time] for row in every] == sorted(row[time] for row in every)
    down = found(box, command, sort=[{"field": time, "order": "desc"}])
    assert [row[time] for row in down] == sorted((row[time] for row in every), reverse=True)
    assert found(box, command, limit=7, offset=11) == every[11:18]


@pytest.mark.parametrize("command", OWN_ORDER)
def test_what_can_not_be_sorted_by_time_has_an_order_of_its_own(box, command):
    every = found(box, command)
    ids, times = ([row[name] for row in every] for name in ("id", "date_time"))
    assert ids == sorted(ids)
    assert times != sorted(times)
    assert found(box, command, limit=7, offset=11) == every[11:18]
    by_time = sandbox(sort_by_time=True)
    sort = [{"field": "date_time"}]
    again = rows(by_time, command, sort=sort)
    by_time.close()
    assert sorted(row["id"] for row in again) == ids
    assert [row["date_time"] for row in again] == sorted(times)


# Rows that are left out otherwise


@pytest.mark.parametrize(
    ("command", "param", "field", "value"),
    [
        ("calls-report", "include_ongoing_calls", "finish_time", None),
        ("offline-messages-report", "include_tech_offline_messages", "form_type", "tech"),
    ],
)
def test_one_row_more_comes_when_it_is_asked_for(command, param, field, value):
    box = sandbox(rows=200, span=(PERIOD[0], PERIOD[1]))
    usual = rows(box, command)
    every = rows(box, command, **{param: True})
    assert [row for row in every if row not in usual] == [
        row for row in every if row[field] == value
    ]
    assert len(every) == len(usual) + 1
    assert len({row["id"] for row in every}) == len(every)
    assert rows(box, command, **{param: False}) == usual
    assert refused(ask(box, command, **{param: "yes"})) == ("data_type_error", param)
    box.close()


def test_calls_arrive_in_the_older_report_too():
    box = sandbox(arrivals=(Arrival(1, "start", 3, "get.calls_report"),))
    before = total(box, "calls-report")
    assert total(box, "calls-report") == before + 3
    box.close()


# Accounts


def test_an_account_without_the_component_has_the_older_reports_only():
    box = sandbox(flat_reports=False)
    for type_ in flat_reports():
        answer = straight(box, type_.method, report_id=IDS[type_.command])
        assert refused(answer)[0] == "method_component_disabled"
        assert answer["error"]["code"] == -32008
    for method in ("get.reports_list", "get.report_types", "get.report_filters"):
        assert refused(straight(box, method))[0] == "method_component_disabled"
    for method in ("getobj.columns_tree", "getobj.report_state"):
        assert refused(straight(box, method))[0] == "method_component_disabled"
    for command in COMMANDS:
        assert found(box, command, limit=1)
    for method in ("get.account", "get.employees", "get.sites", "getobj.site"):
        assert "result" in straight(box, method)
    box.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_each_customer_has_its_own_rows(command):
    box = sandbox(agent=True)
    sites = {user: user * 1_000_000 + SITE for user in (7001, 7002)}
    answers = []
    for user, site in sites.items():
        extra = {"site_id": site} if more(command) else {}
        answers.append(rows(box, command, user_id=user, limit=30, **extra))
    assert answers[0] != answers[1]
    assert refused(ask(box, command))[0] == "required_parameter_missed"
    box.close()


@pytest.mark.parametrize("command", TIMED)
def test_the_truth_is_every_row(box, command):
    truth = box.truth(command, *PERIOD)
    key = [path.split(".")[0] for path in report(command).key]
    order = [(row[report(command).time[0]], *(row[name] for name in key)) for row in truth]
    assert all(one <= other for one, other in pairwise(order))
    every = rows(box, command)
    assert sorted(map(str, truth)) == sorted(map(str, every))


@pytest.mark.parametrize("command", SUMS)
def test_every_row_of_the_sums_can_be_had(box, command):
    period = {"date_from": PERIOD[0], "date_till": PERIOD[1]}
    fields = [field.name for field in report(command).fields]
    every = box.every_row(report(command).method, **period, fields=fields, **more(command))
    assert every == found(box, command)
