"""The ids of what is asked for: typed, in files, and from standard input."""

from __future__ import annotations

import io
import sys
from types import SimpleNamespace

import pytest
from program import Watched

from comagic_cli.cli.console import StderrReporter
from comagic_cli.errors import UsageProblem
from comagic_cli.export.context import Context, Progress
from comagic_cli.export.request import find_ids
from comagic_cli.query.ids import read_ids

NAMES = frozenset({"communication_id"})

GOOD = [
    ("", []),
    ("17", [17]),
    ("17\n18\n", [17, 18]),
    ("17\r\n18", [17, 18]),
    ("17, 18;19\t20", [17, 18, 19, 20]),
    ("  17  ,\n", [17]),
    ("# of October\n\n17 # the long one\n#18\n", [17]),
    ('"17"\n"18"', [17, 18]),
    ('communication_id\n17\n""\n18\n', [17, 18]),  # csv of one column, with an empty cell
    ("\ufeff17", [17]),
    ("communication_id\n17\n", [17]),
    ('"communication_id"\n17\n', [17]),
    ("18\n17\n18\n", [18, 17, 18]),
    ("007", [7]),
    ("999999999999999999", [999_999_999_999_999_999]),
]
TABLES = [
    ('{"communication_id":17}\n{"communication_id":"18"}\n', [17, 18]),
    ('{"a":{"b":1},"communication_id":17}\n\n{"communication_id":null}', [17]),
    ('[\n{"communication_id":17},\n{"communication_id":"18"}\n]\n', [17, 18]),
    ('[{"a":1,"communication_id":null},{"communication_id":17}]', [17]),
    ("[17, null, 18]", [17, 18]),
    ("[]", []),
    ('a,communication_id\nx,17\n"1\n2",18\n,\nx\n', [17, 18]),
    ("\ufeffcommunication_id;a\r\n17;x\r\n18;\r\n", [17, 18]),
    ('a\tcommunication_id\n"x\t17\ny\t18\n', [17, 18]),
    ('"communication_id","a"\n"17","x"\n', [17]),
    ("communication_id,communication_id\n17,18\n", [17]),
    ("communication_id,a\n", []),
]
NO_ID = "the row has no member with an id; it has"
BAD_TABLES = [
    ('{"communication_id":17}\n{"communication_id":1.5}', "ids, line 2: '1.5' is not an id"),
    ('{"communication_id":true}', "ids: 'True' is not an id"),
    ('{"communication_id":17}\n18', "ids, line 2: this is not a JSON object"),
    ('{"communication_id":17', "ids, line 1: this is not a JSON object"),
    ('{"call_id":17,"b":1}', f"ids, line 1: {NO_ID} call_id, b"),
    ('[{"communication_id":17},{"call_id":1}]', f"ids, item 2: {NO_ID} call_id"),
    ("[17,\n1.5]", "ids, item 2: '1.5' is not an id"),
    ("[[1]]", "ids: '[1]' is not an id"),
    ("[1", "ids: this is not a JSON array: Expecting ',' delimiter: line 1 column 3 (char 2)"),
    ("{}", f"ids, line 1: {NO_ID} none"),
    ("a,communication_id\nx,17\ny,1x\n", "ids, line 3: '1x' is not an id"),
    ("a,b\n1,2\n", "ids, line 1: 'a' is not an id"),
    (
        f"communication_id,a\n17,{'x' * 200_000}\n",
        "ids, line 2: not CSV",
    ),
]
BAD = [
    ("seventeen", "ids: 'seventeen' is not an id"),
    ("17\n\n1x\n", "ids, line 3: '1x' is not an id"),
    ('17\n"\n', "ids, line 2: '' is not an id"),
    ("-17", "ids: '-17' is not an id"),
    ("1.5", "ids: '1.5' is not an id"),
    ("17\ncommunication_id", "ids, line 2: 'communication_id' is not an id"),
    ("call_id\n17", "ids, line 1: 'call_id' is not an id"),
    ("١٧", "ids: '١٧' is not an id"),  # digits, but of no JSON
    ("9" * 19, f"ids: '{'9' * 19}' is not an id"),
    ("x" * 50, f"ids: '{'x' * 40}…' is not an id"),
]


@pytest.mark.parametrize(("text", "ids"), [*GOOD, *TABLES])
def test_ids_are_read(text, ids):
    assert [each.number for each in read_ids(text, "ids", NAMES)] == ids


@pytest.mark.parametrize(("text", "message"), [*BAD, *BAD_TABLES])
def test_what_is_no_id_is_named_with_its_line(text, message):
    with pytest.raises(UsageProblem) as told:
        list(read_ids(text, "ids", NAMES))
    assert told.value.message == message


@pytest.mark.parametrize(
    ("text", "asked", "ids"),
    [
        ("Номер,Тип\n17,x\n", 1, [(17, "")]),
        ("Номер\n17\n", 1, [(17, "")]),
        ("ID пользователя,Номер\n7001,17\n", 1, [(17, "7001")]),
        ("communication_id\n17\n", 0, [(17, "")]),
        ("Тип\n17\n", 1, "'Тип' is not an id"),
        ('{"Номер":17}\n', 0, "the row has no member with an id; it has Номер"),
        ("1\nx\n", 0, "'x' is not an id"),
    ],
)
def test_the_account_is_asked_for_titles_where_no_name_is_in_the_header(text, asked, ids):
    calls = []

    def titles():
        calls.append(1)
        return {"Номер"}

    try:
        found = [tuple(each) for each in find_ids(["-"], context_of(text.encode()), NAMES, titles)]
    except UsageProblem as problem:
        found = problem.message.partition(": stdin, line ")[2].partition(": ")[2]
    assert (found, len(calls)) == (ids, asked)


def test_titles_that_cannot_be_asked_for_do_not_hide_the_mistake():
    def titles():
        raise UsageProblem("there is no token")

    with pytest.raises(UsageProblem, match="'Номер' is not an id"):
        find_ids(["-"], context_of("Номер\n17\n".encode()), NAMES, titles)


def context_of(stdin):
    reporter = StderrReporter(quiet=True, verbose=False, make_progress=Progress)
    return Context(reporter=reporter, stdin=None if stdin is None else io.BytesIO(stdin))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ids.txt").write_text("3\n1\n")
    (tmp_path / "777").write_text("8\n")
    (tmp_path / "binary").write_bytes(b"\xff")
    return tmp_path


@pytest.mark.parametrize(
    ("typed", "ids"),
    [
        (["1"], [1]),
        (["2", "1", "2"], [2, 1]),
        (["1,2", "3"], [1, 2, 3]),
        (["ids.txt"], [3, 1]),
        (["@ids.txt"], [3, 1]),
        (["1", "ids.txt", "-"], [1, 3, 5, 6]),
        (["777"], [777]),
        (["@777", "./777"], [8]),
    ],
)
def test_ids_come_in_the_order_typed_each_once(folder, typed, ids):
    assert folder.exists()
    assert [each.number for each in find_ids(typed, context_of(b"5\n6\n"))] == ids


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        (["no.txt"], "--ids: 'no.txt' is neither an id nor a file"),
        ([""], "--ids: '' is neither an id nor a file"),
        (["@no.txt"], "no.txt can't be read: No such file or directory."),
        (["."], ". can't be read: Is a directory."),
        (["binary"], "--ids: binary is not UTF-8 text"),
        (["-", "-"], "--ids: standard input can be read only once"),
    ],
)
def test_what_can_not_be_read_is_told(folder, typed, message):
    assert folder.exists()
    with pytest.raises(UsageProblem) as told:
        find_ids(typed, context_of(b""))
    assert told.value.message == message


def test_a_closed_standard_input_is_told():
    with pytest.raises(UsageProblem, match="closed"):
        find_ids(["-"], context_of(None))


@pytest.mark.parametrize("form", ["jsonl", "json", "csv", "tsv", "csv --header title"])
def test_what_one_export_writes_another_takes(comagic, monkeypatch, form):
    fields = ["--fields", "employees,communication_id,tags", "--period", "2024-10-01"]
    with Watched(rows=40) as box:
        calls = comagic("calls", *fields, "-f", *form.split(), box=box)
        stdin = SimpleNamespace(buffer=io.BytesIO(calls.out.encode()), closed=False)
        monkeypatch.setattr(sys, "stdin", stdin)
        asked = ["call-details", "--report-id", "1012", "--period", "2024-10-01", "--ids", "-"]
        ran = comagic(*asked, "--fields", "communication_id", "-f", "tsv", box=box)
        again = comagic("calls", *fields[2:], "--fields", "communication_id", "-f", "tsv", box=box)
    assert (ran.code, ran.err) == (0, "")
    assert sorted(ran.out.splitlines()) == sorted(again.out.splitlines())
    assert len(ran.out.splitlines()) > 1
