"""Exports to ClickHouse: each day that is written is as the service has it now."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
from pathlib import Path

import pytest
from clickhouse import clickhouse
from coverage_marks import unmeasured
from program import DAYS, NOW, SPAN, Watched, environment, fault, run
from scripted_service import CLOSE, Playback
from wire import Victim, free_port, proxy, split_http, to_port

FIELDS = "communication_id,communication_date_time,communication_type,visitor_id,tags"
ASKED = ["communications", "--fields", FIELDS]
KILLED = int(os.environ.get("COMAGIC_KILLS", "5"))
IDS = "SELECT communication_id, visitor_id, _unfit FROM communications ORDER BY _time, _key"


def serve(rows, port=0):
    """Serve rows; the same port is the same service, which a table remembers."""
    return Watched(data={"communications": rows}, now=NOW, port=port)


def row(number, day=1, **more):
    """Make a row of the service."""
    return {
        "communication_id": number,
        "communication_type": {"value": "Звонок", "value_id": "call"},
        "communication_date_time": f"2024-10-0{day} 10:00:00",
        "visitor_id": None,
        "tags": None,
    } | more


def test_a_look_back_every_night_leaves_one_row_a_communication(comagic, ch):
    """The days that a period cuts in two keep their other part."""
    with Watched(rows=200) as box:
        for day in range(1, 6):
            first = f"2024-10-{max(1, day - 2):02} 12:00"
            first = "2024-10-01" if day == 1 else first
            night = ["--from", first, "--till", f"2024-10-{day:02}", "--page-size", "30"]
            ran = comagic(*ASKED, *night, "-o", ch.url, box=box)
            assert (ran.code, ran.out, ran.err) == (0, "", "")
        names = ("communication_id", "communication_date_time", "visitor_id")
        rows = box.truth("communications", *SPAN)
    found = ch.rows(f"SELECT {', '.join(names)} FROM communications")
    expected = [[r"\N" if row[name] is None else str(row[name]) for name in names] for row in rows]
    assert sorted(found) == sorted(expected)
    assert ch.rows("SELECT count(), uniqExact(_key) FROM communications") == [["200", "200"]]
    assert ch.tables == ["_comagic_requests", "communications"]


def test_a_table_is_what_the_service_has(comagic, ch):
    """Twice the same, a changed row, an empty day, a row that moved, a value that can't be."""
    port = free_port()
    rows = [row(1), row(2, day=2), row(3, day=3), row(5, day=4)]
    with serve(rows, port) as box:
        for _ in range(2):
            assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
            assert [number for number, *_ in ch.rows(IDS)] == ["1", "2", "3", "5"]
    rows = [row(1, visitor_id=5), row(3, day=4), row(4, day=3, visitor_id="x"), row(5, day=4)]
    with serve(rows, port) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
    assert ch.rows(IDS) == [
        ["1", "5", r"\N"],
        ["4", r"\N", '{"visitor_id":"x"}'],
        ["3", r"\N", r"\N"],
        ["5", r"\N", r"\N"],
    ]


def test_a_row_that_moved_into_the_period_is_not_there_twice(comagic, ch):
    port = free_port()
    with serve([row(1), row(2)], port) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
    with serve([row(1, day=3), row(2)], port) as box:
        assert comagic(*ASKED, "--period", "2024-10-03", "-o", ch.url, box=box).code == 0
    found = ch.rows("SELECT communication_id, _day FROM communications ORDER BY communication_id")
    assert found == [["1", "2024-10-03"], ["2", "2024-10-01"]]


def test_rows_of_another_request_stay(comagic, ch):
    where, port = ["--where", "visitor_id = 7"], free_port()
    with serve([row(1), row(2, visitor_id=7)], port) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
        assert comagic(*ASKED, *DAYS, *where, "-o", ch.url, box=box).code == 0
    with serve([], port) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
        assert [number for number, *_ in ch.rows(IDS)] == ["2"]
        assert comagic(*ASKED, *DAYS, *where, "-o", ch.url, box=box).code == 0
        assert ch.rows(IDS) == []


def test_columns_are_added_and_none_is_lost(comagic, ch):
    with Watched(rows=30) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
        more = ["communications", "--fields", f"total_duration,{FIELDS}", *DAYS]
        assert comagic(*more, "-o", ch.url, box=box).code == 0
        ran = comagic(*ASKED, *DAYS, "-o", ch.url, box=box)
    assert (ran.code, "columns that are not asked for: total_duration" in ran.err) == (2, True)
    asked = "SELECT count(), count(total_duration) > 0 FROM communications"
    assert ch.rows(asked) == [["30", "1"]]


def test_rows_without_a_key_and_lists_are_replaced(comagic, ch):
    asked = ["deals", "--fields", "deal_date_time,deal_ext_id,deal_revenue", "-o", ch.url]
    with Watched(rows=300) as box:
        for days in (["2024-10-01", "2024-10-03"], ["2024-10-02", "2024-10-05"]):
            ran = comagic(*asked, "--from", days[0], "--till", days[1], box=box)
            assert (ran.code, ran.err) == (0, "")
        count = len(box.truth("deals", *SPAN))
        for _ in range(2):
            assert comagic("list", "employees", "-o", ch.url, box=box).code == 0
    assert ch.rows("SELECT count(), count(_key) FROM deals") == [[str(count), "0"]]
    [(rows, ids)] = ch.rows("SELECT count(), uniqExact(id) FROM employees")
    assert rows == ids != "0"


TEXT = "a\tb\\c\nd\re\"f\\N и \\.\0`'"
# Field, value of the service, of the table, what does not fit.
VALUES = [
    ("visitor_id", 9223372036854775807, 9223372036854775807, None),
    ("visitor_id", 9223372036854775808, None, {"visitor_id": 9223372036854775808}),
    ("contact_full_name", TEXT, TEXT, None),
    ("contact_full_name", "", "", None),
    ("total_duration", "00:01:30", 90, None),
    ("visit_date", "2024-10-01", "2024-10-01", None),
    ("visit_date", "1969-10-01", None, {"visit_date": "1969-10-01"}),
    ("tags", {"items": []}, "[]", None),
]


@pytest.mark.parametrize(("field", "value", "cell", "unfit"), VALUES)
def test_a_value_is_there_as_it_came(comagic, ch, field, value, cell, unfit):
    asked = ["communications", "--fields", f"communication_id,{field}", *DAYS, "-o", ch.url]
    with serve([row(1, **{field: value})]) as box:
        for _ in range(2):
            assert comagic(*asked, box=box).code == 0
    sql = f"SELECT {field} AS cell, _unfit FROM communications FORMAT JSONEachRow"
    found = json.loads(ch.run(sql))
    assert found["cell"] == (str(cell) if type(cell) is int else cell)  # 64 bits are quoted
    assert (json.loads(found["_unfit"]) if found["_unfit"] else None) == unfit


def test_several_customers_go_into_one_table(comagic, ch):
    with Watched(rows=60, agent=True) as box:
        for _ in range(2):
            ran = comagic(*ASKED, *DAYS, "--user-id", "all", "-o", ch.url, box=box)
            assert ran.code == 0, ran.err
    [(rows, keys, users)] = ch.rows(
        "SELECT count(), uniqExact(_key), uniqExact(user_id) FROM communications"
    )
    assert rows == keys
    assert int(rows) > int(users) > 1


def test_a_table_of_ones_own_replaces_by_and_by(comagic, ch):
    ch.run(
        "CREATE TABLE communications (_key String, _time Nullable(String), day Date DEFAULT"
        " toDate(_time), communication_id Nullable(String)) ENGINE = ReplacingMergeTree"
        " PARTITION BY toYYYYMM(day) ORDER BY _key"
    )
    with Watched(rows=30) as box:
        for _ in range(2):
            ran = comagic(*ASKED, *DAYS, "-o", ch.url, box=box)
            assert (ran.code, "rows replace those of the same key when" in ran.err) == (
                0,
                True,
            )
        verify = ["verify", ch.url, "--table", "communications"]
        assert comagic(*verify, box=box).code == 0  # though rows are there twice
    found = ch.rows("SELECT count(), uniqExact(_key) FROM communications FINAL")
    assert found == [["30", "30"]]


def test_replaced_parts_are_soon_deleted(comagic, ch):
    """A server that restarts before that would show them again."""
    with Watched(rows=5) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box).code == 0
    [[made]] = ch.rows("SHOW CREATE TABLE communications")
    assert "old_parts_lifetime = 1" in made


def test_a_database_is_named_by_the_url(comagic, ch):
    ran = comagic(*ASKED, *DAYS, "-o", ch.url, "--table", "a.b", COMAGIC_TOKEN="unused")
    told = "comagic: --table: 'a.b' names a database, which the URL does\n"
    assert (ran.code, ran.err) == (2, f"{told}  Write -o clickhouse://HOST/a --table b.\n")


@pytest.mark.parametrize(
    ("made", "words"),
    [
        ("communications (a Int8) ENGINE = Memory", "that comagic did not make"),
        ("_comagic_requests (a Int8) ENGINE = Memory", "that comagic did not make"),
    ],
)
def test_a_table_of_another_program_is_left_alone(comagic, ch, made, words):
    ch.run(f"CREATE TABLE {made}")
    with Watched(rows=5) as box:
        ran = comagic(*ASKED, *DAYS, "-o", ch.url, box=box)
    assert (ran.code, words in ran.err, len(ch.tables)) == (2, True, 1)


@pytest.mark.parametrize("kept", [False, True])
def test_missing_rows_are_kept_out_unless_told(comagic, ch, kept):
    """Of rows that are missing none is taken for gone."""
    typed, port = [*ASKED, *DAYS, "-o", ch.url], free_port()
    with Watched(rows=50, port=port) as box:
        assert comagic(*typed, box=box).code == 0
    ch.run(
        "INSERT INTO communications (_key, _time, _day, _request) SELECT"
        " 'missing', '2024-10-02 00:00:00', toDate('2024-10-02'), id FROM _comagic_requests"
    )
    with Watched(rows=50, port=port, total_items="three_more") as box:
        ran = comagic(*typed, *(["--keep-incomplete"] if kept else []), box=box)
    assert (ran.code, "The database is unchanged" in ran.err) == (3, not kept)
    assert ch.rows("SELECT count() FROM communications") == [["51"]]


def test_a_failed_run_leaves_nothing(comagic, ch):
    with Watched(rows=60, faults=fault("forbidden", 3)) as box:
        ran = comagic(*ASKED, *DAYS, "--page-size", 20, "-o", ch.url, box=box)
    assert (ran.code, ch.tables) == (4, [])


def test_a_password_is_never_shown(comagic, ch):
    user = {"CLICKHOUSE_USER": "loader", "CLICKHOUSE_PASSWORD": "wr0ng-secret"}
    with Watched(rows=5) as box:
        ran = comagic(*ASKED, *DAYS, "-o", ch.url, box=box, **user)
        assert (ran.code, "Set CLICKHOUSE_USER" in ran.err, "wr0ng" in ran.err) == (8, True, False)
        user["CLICKHOUSE_PASSWORD"] = "c1ick-secret"
        ran = comagic(*ASKED, *DAYS, "-v", "-o", ch.url, box=box, **user)
        assert (ran.code, "secret" in ran.err) == (0, False)
        ran = comagic(*ASKED, *DAYS, "-o", ch.url.replace("//", "//me:c1ick-secret@"), box=box)
    assert (ran.code, "can't be in the URL" in ran.err, "c1ick" in ran.err) == (2, True, False)


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("clickhouse://127.0.0.1:1/db", 8, "can't be reached: Connection refused."),
        ("clickhouse://db.example/x?secure=0", 2, "could be read on the way"),
        ("clickhouse://127.0.0.1:port/x", 2, "the port is not a number"),
        ("clickhouse:///x", 2, "a URL without a host is not understood"),
        ("clickhouse://db.example/x?user=me", 2, "user= is not understood"),
        ("{none}", 8, "Create it: CREATE DATABASE"),
    ],
)
def test_what_can_not_be_reached(comagic, ch, url, code, words):
    url = url.replace("{none}", ch.url.replace(ch.name, "none"))
    ran = comagic(*ASKED, *DAYS, "-o", url, COMAGIC_TOKEN="unused")
    assert (ran.code, words in ran.err) == (code, True), ran.err


@pytest.fixture
def certificate(tmp_path):
    """Make a certificate for this machine that nobody has signed but itself; its key is in it."""
    path = tmp_path / "certificate.pem"
    made = f"openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
        -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 \
        -keyout {path}.key -out {path}"
    subprocess.run(shlex.split(made), check=True, capture_output=True)
    path.write_text(path.read_text() + Path(f"{path}.key").read_text())
    return path


def test_a_server_is_verified_by_certificates_of_the_environment(comagic, certificate):
    secure = free_port()
    known = {"REQUESTS_CA_BUNDLE": str(certificate)}
    with clickhouse(secure, certificate) as port, Watched(rows=5) as box:
        url = f"clickhouse://localhost:{secure}/?secure=1"
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box)
        assert (ran.code, "certificate can't be verified: self" in ran.err) == (8, True), ran.err
        assert "name its file in REQUESTS_CA_BUNDLE." in ran.err
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box, **known)
        assert (ran.code, ran.err) == (0, "")
        assert comagic("verify", url, "--table", "communications", box=box, **known).code == 0
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box, REQUESTS_CA_BUNDLE="/none.pem")
        assert (ran.code, "can't read certificates from /none.pem" in ran.err) == (2, True)
        ran = comagic(*ASKED, *DAYS, "-o", url.replace(str(secure), str(port)), box=box, **known)
        # The port of HTTP may wait for the end of a line, which is in the greeting by chance.
        said = ("it does not answer with TLS (https).", "it does not answer in time.")
        assert (ran.code, any(each in ran.err for each in said)) == (8, True), ran.err
        ran = comagic(*ASKED, *DAYS, "-o", url.removesuffix("?secure=1"), box=box)
        assert (ran.code, "whether they are of https (?secure=1)" in ran.err) == (8, True)


ELSEWHERE = "clickhouse://db.example/calls"
REFUSAL = [b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", CLOSE]


def test_the_proxy_of_the_environment_is_used(comagic, monkeypatch):
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    with Playback([REFUSAL]) as server:
        named = {"https_proxy": f"http://user:word@127.0.0.1:{server.port}"}
        ran = comagic(*ASKED, *DAYS, "-o", ELSEWHERE, COMAGIC_TOKEN="unused", **named)
    said = f"no answer from the proxy 127.0.0.1:{server.port}: Tunnel connection failed: 503 No."
    hint = "Check the proxy in HTTPS_PROXY (or ALL_PROXY). The table is unchanged."
    told = f"comagic: {ELSEWHERE} can't be reached: {said}\n  {hint} Run the same command again.\n"
    assert (ran.code, ran.err) == (8, told)
    assert server.requests[0].startswith(b"CONNECT db.example:8443 HTTP/1.")
    named = {"https_proxy": "http://user:word@127.0.0.1:1"}
    ran = comagic(*ASKED, *DAYS, "-o", ELSEWHERE, COMAGIC_TOKEN="unused", **named)
    said = "no answer from the proxy 127.0.0.1:1: Connection refused."
    assert (ran.code, said in ran.err) == (8, True), ran.err


def test_the_environment_may_except_a_host_from_its_proxy(comagic):
    with Playback([REFUSAL]) as server:
        named = {"https_proxy": server.url, "no_proxy": ".example"}
        ran = comagic(*ASKED, *DAYS, "-o", ELSEWHERE, COMAGIC_TOKEN="unused", **named)
    assert (ran.code, "proxy" in ran.err, server.requests) == (8, False, [])


def test_no_proxy_is_used_for_this_machine_and_no_netrc(comagic, ch, tmp_path):
    (tmp_path / ".netrc").write_text("default login user password word\n")
    more = {"http_proxy": "http://127.0.0.1:1", "NETRC": str(tmp_path / ".netrc")}
    with Watched(rows=5) as box:
        assert comagic(*ASKED, *DAYS, "-o", ch.url, box=box, **more).code == 0


def days_of(ch):
    """Return the rows of each day."""
    found = ch.rows("SELECT _day, * FROM communications ORDER BY _day, _key")
    return {day: [each for each in found if each[0] == day] for day, *_ in found}


@unmeasured
def test_a_killed_run_leaves_each_day_old_or_new(ch, tmp_path):
    """The next run completes it, and drops what the killed one left."""
    asked = [*ASKED, *DAYS, "--jobs", "1", "--page-size", "50"]
    with Watched(rows=150, port=free_port()) as box:
        home = environment(tmp_path / "home", box)
        assert run([*asked, "-o", ch.url], home).code == 0
        new = days_of(ch)
        with proxy(to_port(ch.port), split_http) as between:
            ran = run([*asked, "-o", ch.through(between.port)], home)
            assert ran.code == 0, ran.err
        assert (days_of(ch), len(new)) == (new, 5)
        # The rows of another time: none is as it was, and one is gone since.
        ch.run("RENAME TABLE communications TO kept")
        change = "SELECT * FROM kept WHERE 0 UNION ALL SELECT {} FROM kept"
        names = [name for [name, *_] in ch.rows("DESCRIBE TABLE kept")]
        values = ", ".join("-1 AS visitor_id" if n == "visitor_id" else n for n in names)
        seen = set()
        for number in range(KILLED):
            at = 1 + number * (len(between.messages) - 1) // max(1, KILLED - 1)
            ch.run("CREATE TABLE communications AS kept")
            ch.run(f"INSERT INTO communications {change.format(values)}")
            old, victim = days_of(ch), Victim()
            with proxy(to_port(ch.port), split_http, at, victim.kill, after=number % 2 == 1) as way:
                code = victim.run([*asked, "-o", ch.through(way.port)], home).code
                assert code == -signal.SIGKILL
            found = days_of(ch)
            assert found.keys() == new.keys()
            assert all(found[day] in (old[day], new[day]) for day in new), at
            seen.add(sum(found[day] == new[day] for day in new))
            assert run([*asked, "-o", ch.url], home).code == 0
            assert days_of(ch) == new
            assert ch.tables == ["_comagic_requests", "communications", "kept"]
            ch.run("DROP TABLE communications")
    assert len(seen) > 1
