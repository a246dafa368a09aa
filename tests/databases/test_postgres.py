"""Exports to PostgreSQL: each row once, as the service has it now, in the catalogue's types."""

from __future__ import annotations

import json
from datetime import datetime

import msgspec
import psycopg
import pytest
from program import DAYS, NOW, SPAN, Ran, Watched, fault
from wire import free_port, proxy, split_postgres, to_socket

from comagic_cli.databases.postgres import lock_number, open_postgres
from comagic_cli.databases.warehouse import Request, TableSink
from comagic_cli.formats.base import FormatOptions
from comagic_cli.query.catalog import Field
from comagic_cli.rows.page import Mark, Page, rows_of

FIELDS = "communication_id,communication_date_time,communication_type,visitor_id,tags"
ASKED = ["communications", "--fields", FIELDS]
KINDS = "communication_id, communication_date_time::text, visitor_id"


def truth(box, *names):
    """Return the rows of the service: ids, times and visitors, as texts of a table are sorted."""
    rows = box.truth("communications", *SPAN)
    return sorted((str(row[names[0]]), *(row[name] for name in names[1:])) for row in rows)


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


def test_a_look_back_every_night_leaves_one_row_a_communication(comagic, pg):
    with Watched(rows=200) as box:
        for day in range(1, 6):
            first = f"2024-10-{max(1, day - 2):02}"
            night = ["--from", first, "--till", f"2024-10-{day:02}", "--page-size", "30"]
            ran = comagic(*ASKED, *night, "-o", pg.url, box=box)
            assert (ran.code, ran.out, ran.err) == (0, "", "")
        names = ("communication_id", "communication_date_time", "visitor_id")
        expected = truth(box, *names)
    assert sorted(pg.rows(f"SELECT {KINDS} FROM communications")) == expected
    assert pg.rows("SELECT count(*), count(DISTINCT _key) FROM communications") == [(200, 200)]
    assert pg.rows('SELECT "table", rows > 0 FROM _comagic_requests') == [("communications", True)]


def test_a_table_is_what_the_service_has(comagic, pg):
    """Twice the same, a changed row, one that is gone, one that is new, a value that can't be."""
    first, rest, port = row(1), [row(2, day=2), row(3, day=3)], free_port()
    ids = "SELECT communication_id, visitor_id, _unfit FROM communications ORDER BY 1"
    with serve([first, *rest], port) as box:
        for _ in range(2):
            assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
            assert pg.rows(ids) == [("1", None, None), ("2", None, None), ("3", None, None)]
    first["visitor_id"] = 5
    with serve([first, rest[1], row(4, day=3, visitor_id="x")], port) as box:
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
    assert pg.rows(ids) == [("1", 5, None), ("3", None, None), ("4", None, {"visitor_id": "x"})]


def test_what_is_gone_outside_of_the_period_or_of_another_request_stays(comagic, pg):
    where, port = ["--where", "visitor_id = 7"], free_port()
    with serve([row(1), row(2, day=2), row(3, day=2, visitor_id=7)], port) as box:
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
        assert comagic(*ASKED, *DAYS, *where, "-o", pg.url, box=box).code == 0
    with serve([], port) as box:
        day = ["--period", "2024-10-02"]
        assert comagic(*ASKED, *day, "-o", pg.url, box=box).code == 0
    found = pg.rows("SELECT communication_id, _request FROM communications ORDER BY 1")
    assert found == [("1", 1), ("3", found[1][1])]


def test_a_scheme_may_be_typed_in_capitals(comagic, pg):
    url = pg.url.replace("postgresql:", "POSTGRESQL:")
    with Watched(rows=5) as box:
        assert comagic(*ASKED, *DAYS, "-o", url, box=box) == Ran(0, "", "")
        verify = ["verify", url, "--table", "communications"]
        assert comagic(*verify, box=box).code == 0


def test_the_manifest_of_a_table_is_told_apart(comagic, pg, tmp_path):
    manifest = tmp_path / "told.json"
    with Watched(rows=5) as box:
        typed = [*ASKED, *DAYS, "-o", pg.url, "--manifest", manifest]
        assert comagic(*typed, box=box).code == 0
    ran = comagic("verify", manifest)
    assert (ran.code, "is the manifest of an export to a table.\n" in ran.err) == (2, True)


@pytest.mark.parametrize("is_first", [True, False])
def test_a_row_that_comes_twice_is_there_once(pg, is_first):
    """Its time changed while it was read, and it came again."""
    marks = [Mark("1", f"2024-10-01 0{hour}:00:00", b"") for hour in (1, 2)]
    pages = [Page(rows_of(b'[{"id": 1, "name": "%s"}]' % name)) for name in (b"old", b"new")]
    period = ("2024-10-01 00:00:00", "2024-10-01 23:59:59")
    request = Request("t", {}, {}, period, "1", lambda *_: "")
    fields = [Field("id", "string"), Field("name", "string")]
    for night in range(1 if is_first else 2):
        with open_postgres(pg.url, {}, print) as database:
            sink = TableSink(database.make_table(request), fields, FormatOptions(), request)
            sink.begin()
            for mark, page in list(zip(marks, pages, strict=True))[: 2 if is_first or night else 1]:
                sink.write(msgspec.structs.replace(page, marks=[mark]))
            sink.end()
    assert pg.rows("SELECT id, name, _time FROM t") == [("1", "new", "2024-10-01 02:00:00")]


def test_only_what_changed_is_written_again(comagic, pg):
    rows = [row(1), row(2)]
    with Watched(data={"communications": rows}, now=NOW) as box:
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
        before = pg.rows("SELECT _key, xmin::text FROM communications ORDER BY 1")
        rows[1]["visitor_id"] = 5
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
    after = pg.rows("SELECT _key, xmin::text FROM communications ORDER BY 1")
    assert [old == new for old, new in zip(before, after, strict=True)] == [True, False]


def test_columns_are_added_and_others_stay(comagic, pg):
    rows = [row(1, visitor_id=5, total_duration="x")]
    few = ["communications", "--fields", "communication_id,total_duration", *DAYS, "-o", pg.url]
    with Watched(data={"communications": rows}, now=NOW) as box:
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
        assert comagic(*few, box=box).code == 0
        rows[0] |= {"visitor_id": "y", "total_duration": 3}
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
        asked = "SELECT visitor_id, total_duration, _unfit FROM communications"
        assert pg.rows(asked) == [(None, None, {"total_duration": "x", "visitor_id": "y"})]
        assert comagic(*few, box=box).code == 0
    assert pg.rows(asked) == [(None, 3, {"visitor_id": "y"})]


def test_rows_whose_key_may_repeat_are_replaced(comagic, pg):
    asked = ["deals", "--fields", "deal_date_time,deal_ext_id,deal_revenue", "-o", pg.url]
    with Watched(rows=300) as box:
        for days in (["2024-10-01", "2024-10-03"], ["2024-10-02", "2024-10-05"]):
            ran = comagic(*asked, "--from", days[0], "--till", days[1], box=box)
            assert (ran.code, ran.err) == (0, "")
        rows = box.truth("deals", *SPAN)
    found = pg.rows("SELECT deal_date_time::text, deal_ext_id, deal_revenue FROM deals")
    expected = [(one["deal_date_time"], one["deal_ext_id"], one["deal_revenue"]) for one in rows]
    assert len(expected) > 5
    assert sorted(found, key=str) == sorted(expected, key=str)
    assert pg.rows("SELECT count(_key) FROM deals") == [(0,)]


def test_a_list_is_replaced(comagic, pg):
    with Watched() as box:
        for _ in range(2):
            assert comagic("list", "employees", "-o", pg.url, box=box).code == 0
            [(rows, ids)] = pg.rows("SELECT count(*), count(DISTINCT id) FROM employees")
            assert rows == ids > 1


TEXT = 'a\tb\\c\nd\re"f\\N и \\.'
# Field, value of the service, of the table, what does not fit.
VALUES = [
    ("visitor_id", 9223372036854775807, 9223372036854775807, None),
    ("visitor_id", 9223372036854775808, None, {"visitor_id": 9223372036854775808}),
    ("contact_full_name", TEXT, TEXT, None),
    ("contact_full_name", "", "", None),
    ("contact_full_name", r"\N", r"\N", None),
    ("contact_full_name", "a\0b", None, {"contact_full_name": r"a\u0000b"}),
    ("total_duration", "00:01:30", 90, None),
    ("visit_date", "2024-10-01", "2024-10-01", None),
    ("visit_date", "2024-02-30", None, {"visit_date": "2024-02-30"}),
    ("tags", {"items": [{"id": 1, "name": TEXT}]}, [{"id": 1, "name": TEXT}], None),
    ("tags", {"items": [{"id": 1, "name": "\0"}]}, None, {"tags": [{"id": 1, "name": r"\u0000"}]}),
    (
        "tags",
        {"items": [{"id": 1, "name": r"\u0000"}]},
        None,
        {"tags": [{"id": 1, "name": r"\u0000"}]},
    ),
    ("visitor_id", "a\0\\b", None, {"visitor_id": r"a\u0000\b"}),
    ("tags", {"items": []}, [], None),
]


@pytest.mark.parametrize(("field", "value", "cell", "unfit"), VALUES)
def test_a_value_is_there_as_it_came(comagic, pg, field, value, cell, unfit):
    asked = ["communications", "--fields", f"communication_id,{field}", *DAYS, "-o", pg.url]
    with Watched(data={"communications": [row(1, **{field: value})]}, now=NOW) as box:
        for _ in range(2):
            assert comagic(*asked, box=box).code == 0
    [(found, left)] = pg.rows(f"SELECT {field}, _unfit::text FROM communications")
    assert (str(found) if field == "visit_date" and found else found) == cell
    assert (json.loads(left) if left else None) == unfit


def test_types_are_those_of_the_database(comagic, pg):
    with Watched(rows=30) as box:
        for report in ("communications", "deals"):
            asked = [report, *DAYS, "--fields", "@all", "-o", pg.url]
            assert comagic(*asked, box=box).code == 0
    found = dict(
        pg.rows(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name IN ('communications', 'deals')"
        )
    )
    told = {
        "communication_date_time": "timestamp without time zone",
        "visit_date": "date",
        "visitor_id": "bigint",
        "tags": "jsonb",
        "deal_revenue": "double precision",
        "source_name": "text",
    }
    assert {name: found[name] for name in told} == told
    [(first,)] = pg.rows("SELECT min(communication_date_time) FROM communications")
    assert isinstance(first, datetime)


def test_a_table_may_be_in_another_schema(comagic, pg):
    typed = [*ASKED, *DAYS, "-o", pg.url, "--table", 'my schema.Звонки, "x"']
    with Watched(rows=20) as box:
        ran = comagic(*typed, box=box)
        assert (ran.code, 'CREATE SCHEMA "my schema"' in ran.err) == (8, True)
        pg.run('CREATE SCHEMA "my schema"')
        for _ in range(2):
            assert comagic(*typed, box=box).code == 0
    assert pg.rows('SELECT count(*) FROM "my schema"."Звонки, ""x"""') == [(20,)]
    assert pg.rows('SELECT "table", rows FROM "my schema"._comagic_requests') == [
        ('Звонки, "x"', 20)
    ]


def test_several_customers_go_into_one_table(comagic, pg):
    with Watched(rows=60, agent=True) as box:
        asked = [*ASKED, *DAYS, "--user-id", "all", "-o", pg.url]
        for _ in range(2):
            ran = comagic(*asked, box=box)
            assert ran.code == 0, ran.err
    [(rows, keys, users)] = pg.rows(
        "SELECT count(*), count(DISTINCT _key), count(DISTINCT user_id) FROM communications"
    )
    assert rows == keys > users > 1


# What can't be written


@pytest.mark.parametrize(
    ("before", "words"),
    [
        ("CREATE TABLE communications (a int)", "that comagic did not make"),
        ("CREATE VIEW communications AS SELECT 1 AS a", "that comagic did not make"),
        ("CREATE TABLE _comagic_requests (a int)", "that comagic did not make"),
    ],
)
def test_a_table_of_another_program_is_left_alone(comagic, pg, before, words):
    pg.run(before)
    with Watched(rows=5) as box:
        ran = comagic(*ASKED, *DAYS, "-o", pg.url, box=box)
    assert (ran.code, words in ran.err, len(box.pages)) == (2, True, 1)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("DROP COLUMN _unfit", "lacks one of the columns"),
        ("DROP CONSTRAINT communications__key_key", "_key is not unique"),
        ("ALTER visitor_id TYPE text", "the column visitor_id of the table communications is text"),
    ],
)
def test_a_changed_table_is_left_alone(comagic, pg, change, words):
    with Watched(rows=5) as box:
        assert comagic(*ASKED, *DAYS, "-o", pg.url, box=box).code == 0
        pg.run(f"ALTER TABLE communications {change}")
        ran = comagic(*ASKED, *DAYS, "-o", pg.url, box=box)
    assert (ran.code, words in ran.err) == (2, True), ran.err


def test_rows_of_another_report_are_refused(comagic, pg):
    with Watched(rows=5) as box:
        assert comagic(*ASKED, *DAYS, "-o", pg.url, "--table", "t", box=box).code == 0
        ran = comagic("chats", *DAYS, "-o", pg.url, "--table", "t", box=box)
    assert (ran.code, "report was communications and is chats" in ran.err) == (2, True)


def test_who_has_no_right_is_told_which(comagic, pg):
    pg.run(
        f"DROP ROLE IF EXISTS reader_{pg.name}",
        f"CREATE ROLE reader_{pg.name} LOGIN",
        "REVOKE ALL ON SCHEMA public FROM public",
        f"GRANT USAGE ON SCHEMA public TO reader_{pg.name}",
    )
    with Watched(rows=5) as box:
        url = pg.url.replace("postgres@", f"reader_{pg.name}@")
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box)
    assert (ran.code, "permission denied for schema public" in ran.err) == (8, True)
    assert "GRANT CREATE" in ran.err


def test_a_password_is_never_shown(comagic, pg, server):
    pg.run(f"CREATE ROLE p_{pg.name} LOGIN PASSWORD 'right'")
    url = f"postgresql://p_{pg.name}@127.0.0.1:{server['PGPORT']}/{pg.name}"
    with Watched(rows=5) as box:
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box, PGPASSWORD="wr0ng-secret")
        assert (ran.code, "password authentication failed" in ran.err) == (8, True)
        assert "Set PGPASSWORD" in ran.err
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box)
        assert (ran.code, "no password supplied" in ran.err) == (8, True)
        for typed in (url.replace("@", ":wr0ng-secret@"), f"{url}?password=wr0ng-secret"):
            ran = comagic(*ASKED, *DAYS, "-o", typed, box=box)
            assert (ran.code, "can't be in the URL" in ran.err) == (2, True)
            assert "secret" not in ran.out + ran.err
        pg.run(f"GRANT ALL ON SCHEMA public TO p_{pg.name}")
        ran = comagic(*ASKED, *DAYS, "-v", "-o", url, box=box, PGPASSWORD="right")
        assert (ran.code, "right" in ran.err) == (0, False), ran.err


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://me@127.0.0.1:1/db", "Connection refused"),
        ("postgresql://me@no.such.host.invalid/db", "Check the name of the host."),
        ("{url}", "Create it, or name another"),
    ],
)
def test_what_can_not_be_reached(comagic, pg, url, words):
    typed = url.replace("{url}", pg.url.replace(f"/{pg.name}", "/none"))
    ran = comagic(*ASKED, *DAYS, "-o", typed, COMAGIC_TOKEN="unused")
    assert (ran.code, words in ran.err) == (8, True), ran.err


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (["--max-rows", "5"], "--max-rows can't be used with -o postgresql://"),
        (["--resume"], "--resume can't be used with -o postgresql://"),
        (["--refresh", "3d"], "--refresh needs"),
        (["--header", "title"], "--header can't be used with -f postgresql"),
        (["-f", "csv"], "-f csv can't be used with -o postgresql://"),
        (["--table", ""], "'' can't be a table's name"),
        (["--table", "a."], "'a.' can't be a table's name"),
        (["--table", "x._comagic_requests"], "can't be a table's name"),
    ],
)
def test_what_does_not_go_together(comagic, typed, words):
    ran = comagic(*ASKED, *DAYS, "-o", "postgresql:///none", *typed, COMAGIC_TOKEN="unused")
    assert (ran.code, words in ran.err) == (2, True), ran.err


def test_one_database_takes_all_days(comagic):
    ran = comagic(*ASKED, *DAYS, "-o", "postgresql:///{date}", COMAGIC_TOKEN="unused")
    assert (ran.code, "one database takes all days" in ran.err) == (2, True)


def test_a_missing_package_is_named(comagic, monkeypatch):
    monkeypatch.setattr("comagic_cli.formats.registry.find_spec", lambda _: None)
    ran = comagic(*ASKED, *DAYS, "-o", "postgresql:///db", COMAGIC_TOKEN="unused")
    assert (ran.code, "needs the package psycopg." in ran.err) == (2, True)
    assert "pip install 'psycopg[binary]'" in ran.err


@pytest.mark.parametrize("kept", [False, True])
def test_missing_rows_are_kept_out_unless_told(comagic, pg, kept):
    """Of rows that are missing none is taken for gone."""
    typed, port = [*ASKED, *DAYS, "-o", pg.url], free_port()
    with Watched(rows=50, port=port) as box:
        assert comagic(*typed, box=box).code == 0
    pg.run(
        "INSERT INTO communications (_key, _time, _request)"
        " VALUES ('missing', '2024-10-02 00:00:00', 1)",
        "UPDATE communications SET visitor_id = -1",
    )
    with Watched(rows=50, port=port, total_items="three_more") as box:
        ran = comagic(*typed, *(["--keep-incomplete"] if kept else []), box=box)
    assert (ran.code, "The database is unchanged" in ran.err) == (3, not kept)
    counts = "SELECT count(*), count(*) FILTER (WHERE visitor_id = -1) FROM communications"
    assert pg.rows(counts) == [(51, 1 if kept else 51)]


def test_a_failed_run_leaves_nothing(comagic, pg):
    with Watched(rows=60, faults=fault("forbidden", 3)) as box:
        ran = comagic(*ASKED, *DAYS, "--page-size", 20, "-o", pg.url, box=box)
    assert (ran.code, pg.rows("SELECT relname FROM pg_class WHERE relname ~ 'comm'")) == (4, [])


def test_another_run_is_told_apart(comagic, pg, monkeypatch):
    monkeypatch.setattr("comagic_cli.databases.postgres.LOCK_TIMEOUT", 0.05)
    with Watched(rows=5) as box, psycopg.connect(pg.url) as other:
        comagic(*ASKED, *DAYS, "-o", pg.url, box=box)
        other.execute("SELECT pg_advisory_xact_lock(%s)", [lock_number("public", "communications")])
        ran = comagic(*ASKED, *DAYS, "-o", pg.url, box=box)
    assert (ran.code, "is being written by another run" in ran.err) == (9, True)


@pytest.mark.parametrize("at", [1, 4, 12, 20])
def test_a_lost_connection_is_told(comagic, pg, at):
    with (
        Watched(rows=60) as box,
        proxy(to_socket(pg.socket), split_postgres, at, lambda made: made.cut()) as between,
    ):
        url = f"postgresql://postgres@127.0.0.1:{between.port}/{pg.name}?sslmode=disable"
        ran = comagic(*ASKED, *DAYS, "-o", url, box=box)
    assert ran.code == 8, (ran, between.messages)
    assert "was lost" in ran.err
    assert ".." not in ran.err
    assert "Run the same command again." in ran.err
    assert pg.rows("SELECT relname FROM pg_class WHERE relname ~ 'communications'") == []
