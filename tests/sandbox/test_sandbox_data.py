"""The sandbox's data: the same for the same seed, in time's order, found by bisection."""

import json
from collections import Counter
from datetime import datetime, timedelta
from itertools import pairwise

import pytest
from coverage_marks import unmeasured
from sandbox_client import KEY, NOW, ask, rows, sandbox, total

from comagic_cli.query.catalog import flat_reports, report
from comagic_cli.sandbox.data import rhythm
from comagic_cli.sandbox.data.business import IN_BLOCK, Business, hasher
from comagic_cli.sandbox.data.sources import makers_of
from comagic_cli.sandbox.methods.discovery import ANSWERED_AS
from comagic_cli.sandbox.quirks import Quirks
from comagic_cli.sandbox.server import Sandbox

SPAN = ("2025-01-01 00:00:00", "2026-07-01 00:00:00")
TIME = "communication_date_time"
SORT = [{"field": TIME}, {"field": "communication_type"}, {"field": "communication_id"}]
COMMANDS = [entry.command for entry in flat_reports()]


@pytest.fixture(scope="module")
def box():
    made = sandbox()
    yield made
    made.close()


def entities(box, command):
    """Return the `entity_ids` of some rows, where the report wants them."""
    names = {"call-details": ("calls", "communication_id"), "person-details": ("", "person_id")}
    if command not in names:
        return {}
    of, name = names[command]
    found = rows(box, of or "communications", fields=[name])
    return {"entity_ids": sorted({row[name] for row in found} - {None})}


@pytest.mark.parametrize("command", COMMANDS)
def test_two_runs_agree_and_another_seed_differs(box, command):
    same, other = sandbox(), sandbox(seed=2)
    extra = entities(box, command)
    first, second, third = (rows(one, command, limit=200, **extra) for one in (box, same, other))
    assert first
    assert first == second != third
    same.close()
    other.close()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_of_the_catalogue_is_made(command):
    names = {ANSWERED_AS.get(field.name, field.name) for field in report(command).fields}
    assert names <= set(makers_of(command))


@unmeasured
@pytest.mark.parametrize("command", COMMANDS)
def test_every_field_has_a_value_somewhere(command):
    month = ("2026-08-05 00:00:00", "2026-09-04 23:59:59")
    many = sandbox(rows=1000, span=month)
    extra = entities_of(many, command, month)
    found = rows(many, command, month, limit=2000, **extra)
    for field in report(command).fields:
        values = [row[ANSWERED_AS.get(field.name, field.name)] for row in found]
        empty = (None, [], {"value": None, "value_id": None})
        filled = [value for value in values if value not in empty]
        assert filled, field.name
    many.close()


def entities_of(box, command, month):
    wanted = {}
    if command == "call-details":
        found = rows(box, "calls", month, fields=["communication_id"], limit=1000)
        wanted = {"entity_ids": [row["communication_id"] for row in found]}
    if command == "person-details":
        found = rows(box, "communications", month, fields=["person_id"], limit=1000)
        wanted = {"entity_ids": sorted({row["person_id"] for row in found} - {None})}
    return wanted


def test_a_week_has_about_nine_hundred_communications(box):
    for weeks in range(1, 4):
        start = datetime.fromisoformat(NOW) - timedelta(weeks=weeks)
        period = (str(start), str(start + timedelta(days=7)))
        assert 850 < total(box, period=period) < 950


def test_the_day_and_the_week_have_a_rhythm(box):
    found = rows(box, period=("2026-09-07 00:00:00", "2026-10-04 23:59:59"), fields=[TIME])
    times = [datetime.fromisoformat(row[TIME]) for row in found]
    days = Counter(time.weekday() for time in times)
    hours = Counter(time.hour for time in times)
    assert min(days[day] for day in range(5)) > 1.5 * max(days[5], days[6])
    assert hours[11] > 10 * hours[3] > 0


def test_the_business_goes_up_to_now_and_three_years_back(box):
    assert total(box, period=("2026-10-08 12:00:00", "2026-12-01 00:00:00")) == 0
    assert total(box, period=("2026-10-08 11:00:00", "2026-10-08 12:00:00")) > 0
    assert total(box, period=("2023-01-01 00:00:00", "2023-10-08 00:00:00")) == 0
    assert total(box, period=("2023-10-20 00:00:00", "2023-10-21 00:00:00")) > 0


def test_a_row_stays_the_same_as_now_goes_on(box):
    later = sandbox(now="2026-12-24 18:00:00")
    assert rows(box) == rows(later)
    later.close()


@unmeasured
@pytest.mark.parametrize("count", [1, 2, 999, 30_000])
def test_exactly_so_many_rows_within_the_span(count):
    many = sandbox(rows=count, span=("2026-09-01 00:00:00", "2026-10-01 00:00:00"))
    period = ("2026-09-01 00:00:00", "2026-09-30 23:59:59")
    later = ("2026-10-01 00:00:00", "2026-12-30 23:59:59")
    assert total(many, period=period) + total(many, period=later) == count
    assert total(many, period=later) == 0 or count == 30_000
    many.close()


def test_an_open_span_is_filled_at_the_usual_rate():
    some = sandbox(span=("2026-09-07 00:00:00", "2026-09-21 00:00:00"))
    assert 1750 < total(some, period=("2026-01-01 00:00:00", NOW)) < 1850
    some.close()


@unmeasured
def test_a_rhythm_never_goes_back():
    for seed, count, start, end in [(1, 50, 0, 3), (2, 5000, 0, 60), (3, 5000, 9 * 10**8, 10**9)]:
        beat = rhythm.spread(count, start * 10**6, end * 10**6, hasher(seed))
        for kind in (beat, beat.faster(3), rhythm.endless(hasher(seed))):
            stored = [kind.stored(number) for number in range(count)]
            assert stored == sorted(stored)
        stored = [beat.stored(number) for number in range(count)]
        assert start * 10**6 <= stored[0]
        assert stored[-1] < end * 10**6


@unmeasured
def test_stored_times_have_fractions_and_some_rows_share_a_second():
    many = sandbox(rows=20_000, span=("2026-10-01 00:00:00", "2026-10-01 06:00:00"))
    assert len({row.stored % 10**6 for row in some_rows(many)}) > 100
    shown = Counter(row.seconds for row in some_rows(many))
    assert max(shown.values()) > 2
    many.close()


def some_rows(box):
    stored = box.worlds.report(None, "communications").rows
    return [stored.row(rank) for rank in range(1000)]


def test_blocks_have_the_counts_they_promise_and_the_nth_is_found():
    business = Business(5)
    kinds = [business.kind(number) for number in range(400)]
    assert Counter(kinds) == {kind: count * 20 for kind, count in IN_BLOCK.items()}
    for kind in IN_BLOCK:
        places = [number for number, found in enumerate(kinds) if found == kind]
        assert [business.nth(kind, number) for number in range(len(places))] == places


@unmeasured
def test_ids_are_unique_with_their_type_only_and_large():
    business = Business(5)
    ids = [(business.kind(number), business.communication_id(number)) for number in range(4000)]
    assert len(set(ids)) == 4000
    assert len({id_ for _, id_ in ids}) < 3800
    assert min(id_ for _, id_ in ids) > 2**31
    for number, (kind, id_) in enumerate(ids):
        if kind == "call":
            assert business.call_number(id_) == number
    assert business.call_number(7) is None


def test_calls_and_chats_are_the_communications_of_their_type(box):
    talks = rows(box, fields=KEY)
    for command, kind, time in [
        ("calls", "call", "call_start_date_time"),
        ("chats", "chat", "chat_start_date_time"),
    ]:
        theirs = [(row["communication_id"], row[time]) for row in rows(box, command)]
        assert theirs == [
            (row["communication_id"], row[TIME])
            for row in talks
            if row["communication_type"]["value_id"] == kind
        ]
    calls = rows(box, "calls")
    other = rows(box, "mgf-calls")
    assert [row["call_start_date_time"] for row in calls] == [
        f"{row['call_start_date']} {row['call_start_time']}" for row in other
    ]
    split = [{"field": "call_start_date"}, {"field": "call_start_time"}]
    assert rows(box, "mgf-calls", sort=split) == rows(box, "mgf-calls", sort=split[:1])


def test_details_are_of_the_named_entities(box):
    calls = [row["communication_id"] for row in rows(box, "calls")][10:20]
    asked = [*reversed(calls), 1, 10**12]
    found = rows(box, "call-details", entity_ids=asked)
    assert [row["communication_id"] for row in found] == sorted(
        calls, key=[row["communication_id"] for row in rows(box, "calls")].index
    )
    assert rows(box, "call-details", ("2026-01-01 00:00:00",) * 2, entity_ids=asked) == []
    persons = rows(box, fields=["person_id"])
    ids = sorted({row["person_id"] for row in persons} - {None})[:5]
    found = rows(box, "person-details", entity_ids=[*ids, 1])
    assert [row["person_id"] for row in found] == ids
    sort = [{"field": "person_id", "order": "desc"}]
    down = rows(box, "person-details", entity_ids=ids, sort=sort)
    assert [row["person_id"] for row in down] == ids[::-1]
    assert all(isinstance(name, str) for row in calls_details(box) for name in row["employees"])


def calls_details(box):
    ids = [row["communication_id"] for row in rows(box, "calls")]
    return rows(box, "call-details", entity_ids=ids)


@unmeasured
def test_external_ids_repeat_and_whole_rows_too():
    many = sandbox(rows=12_000, span=("2026-09-01 00:00:00", "2026-10-01 00:00:00"))
    month = ("2026-09-01 00:00:00", "2026-10-01 23:59:59")
    for command, name in [("leads", "lead_ext_id"), ("deals", "deal_ext_id")]:
        found = rows(many, command, month)
        ids = [row[name] for row in found]
        assert None in ids
        assert len(set(ids)) < len(ids) - ids.count(None)
        assert any(first == second for first, second in pairwise(found))
    found = rows(many, "tags-history", month)
    assert any(first == second for first, second in pairwise(found))
    many.close()


def test_values_have_the_shapes_that_were_seen(box):
    month = ("2026-09-20 00:00:00", "2026-10-07 23:59:59")
    talks, calls = rows(box, period=month), rows(box, "calls", month)
    assert {tuple(row["contact_phone_number"]) for row in calls} == {("extra", "value")}
    assert {tuple(row["contact_phone_number"]["extra"]) for row in calls} == {
        ("call_status", "call_direction")
    }
    assert {type(row["call_total_duration"]) for row in calls} == {int}
    assert calls[0]["call_talk_duration"].count(":") == 2
    tags = [row["tags"] for row in talks if row["tags"]]
    assert set(tags[0]) == {"items", "communication_id", "communication_type"}
    people = [[one["employee_full_name"] for one in row["employees"]] for row in talks]
    assert any(len(names) == 2 and names[0] == names[1] for names in people)
    ids = {type(row["visitor_device"]["value_id"]) for row in talks}
    kinds = {type(row["offline_message_type"]["value_id"]) for row in talks}
    assert ids == {str, type(None)}
    assert kinds == {str, int, type(None)}
    for row in talks:
        kind = row["communication_type"]["value_id"]
        assert (row["call_status"]["value"] is not None) == (kind == "call")
        assert (row["goal_name"] is not None) == (kind == "goal")
        assert kind == "chat" or row["chat_messages_count"] is None


@unmeasured
def test_texts_are_as_nasty_as_texts_are():
    many = sandbox(rows=20_000, span=("2026-09-01 00:00:00", "2026-10-01 00:00:00"))
    month = ("2026-09-01 00:00:00", "2026-10-01 23:59:59")
    names = ["offline_message_text", "contact_full_name"]
    where = {"field": "offline_message_text", "operator": "is_not_null"}
    found = rows(many, period=month, fields=names, filter=where)
    texts = {text for row in found for text in row.values() if text is not None}
    for part in ('"', "\n", "\r\n", "\t", ",", ";", "👍🏽", "=1+1", "@SUM", "[red]", ":smile:"):
        assert any(part in text for text in texts), part
    for part in ("ш", "\u0306", "\u2028", "\x01", "שלום", "null", "+7"):
        assert any(part in text for text in texts), part
    assert "" in texts
    assert max(map(len, texts)) > 5000
    many.close()


def test_now_is_by_default_the_clock_of_the_machine():
    box = Sandbox(quirks=Quirks(timezone="Asia/Tokyo"))
    now = box.worlds.local_now(None)
    assert now.tzinfo is None
    later = now + timedelta(days=1)
    period = (str((now - timedelta(days=7)).replace(microsecond=0)), f"{later:%F %T}")
    assert 850 < total(box, period=period) < 950
    box.close()


@unmeasured
def test_a_page_is_valid_json_in_any_report(box):
    for command in COMMANDS:
        answer = ask(box, command, limit=50, **entities(box, command))
        assert json.loads(json.dumps(answer)) == answer
