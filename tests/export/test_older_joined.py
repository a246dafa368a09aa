"""Exported files joined by DuckDB: the older reports, the flat ones and the lists agree."""

from __future__ import annotations

import duckdb
import pytest
from coverage_marks import unmeasured
from program import DAYS, SPAN, Watched

CALLS = (
    "communication_id,call_start_date_time,call_total_duration,call_talk_duration,"
    "call_await_talk_duration,contact_phone_number,virtual_phone_number,call_status,call_records"
)
OLDER = (
    "id,start_time,total_duration,talk_duration,wait_duration,contact_phone_number,"
    "virtual_phone_number,is_lost,call_records"
)
NAMED = "id,last_answered_employee_id,last_answered_employee_full_name"
FILES = {
    "calls": ["calls", *DAYS, "--fields", CALLS],
    "older": ["calls-report", *DAYS, "--fields", f"{OLDER},campaign_id,campaign_name,employees"],
    "named": ["calls-report", *DAYS, "--fields", NAMED],
    "employees": ["list", "employees"],
    "campaigns": ["list", "campaigns"],
    "numbers": ["list", "virtual-numbers"],
}
# Flat reports have durations as the service gives them; in Parquet all are seconds.
SECONDS = {"csv": "as_seconds", "parquet": ""}
SAME = """
select count(*), count(*) filter (
    cast(c.call_start_date_time as varchar) = cast(o.start_time as varchar)
    and {seconds}(c.call_total_duration) = cast(o.total_duration as bigint)
    and {seconds}(c.call_talk_duration) is not distinct from cast(o.talk_duration as bigint)
    and {seconds}(c.call_await_talk_duration)
        is not distinct from cast(o.wait_duration as bigint)
    and cast(c.contact_phone_number as varchar)
        is not distinct from cast(o.contact_phone_number as varchar)
    and cast(c.virtual_phone_number as varchar)
        is not distinct from cast(o.virtual_phone_number as varchar)
    and (c.call_status = 'Принятый') = not cast(o.is_lost as boolean)
    and c.call_records is not distinct from o.call_records)
from {calls} c full join {older} o on cast(c.communication_id as varchar) = cast(o.id as varchar)
"""


@pytest.fixture(scope="module")
def box():
    with Watched(rows=400) as service:
        yield service


@pytest.fixture
def files(comagic, box, tmp_path):
    """Export to files of a suffix; return their names for SQL."""

    def make(suffix, *names):
        made = {}
        for name in names:
            target = tmp_path / f"{name}.{suffix}"
            ran = comagic(*FILES[name], "-o", target, box=box)
            assert (ran.code, ran.err) == (0, "")
            read = f"read_csv('{target}', all_varchar=true)" if suffix == "csv" else f"'{target}'"
            made[name] = read
        return made

    return make


@unmeasured
@pytest.mark.parametrize(("suffix", "seconds"), SECONDS.items())
def test_both_reports_of_calls_agree(files, box, suffix, seconds):
    made = files(suffix, "calls", "older")
    duckdb.sql("create or replace macro as_seconds(text) as epoch(cast(text as interval))")
    [(all_, same)] = duckdb.sql(SAME.format(**made, seconds=seconds)).fetchall()
    assert all_ == same == len(box.truth("calls", *SPAN)) > 0


@unmeasured
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_employees_and_campaigns_of_calls_are_those_of_the_lists(files, suffix):
    made = files(suffix, "older", "named", "employees", "campaigns", "numbers")
    found = duckdb.sql(f"""
        select count(*), count(e.id), count(*) filter (
            e.full_name = n.last_answered_employee_full_name)
        from {made["named"]} n
        left join {made["employees"]} e on e.id = n.last_answered_employee_id
        where n.last_answered_employee_id is not null
    """).fetchall()
    assert found[0][0] == found[0][1] == found[0][2] > 0
    found = duckdb.sql(f"""
        select count(*), count(c.id), count(*) filter (c.name = o.campaign_name)
        from {made["older"]} o left join {made["campaigns"]} c on c.id = o.campaign_id
        where o.campaign_id is not null
    """).fetchall()
    assert found[0][0] == found[0][1] == found[0][2] > 0
    found = duckdb.sql(f"""
        select count(*), count(v.virtual_phone_number)
        from {made["older"]} o
        left join {made["numbers"]} v on v.virtual_phone_number = o.virtual_phone_number
        where o.virtual_phone_number is not null
    """).fetchall()
    assert found[0][0] == found[0][1] > 0
