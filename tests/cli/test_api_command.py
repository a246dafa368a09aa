"""`comagic api`: any method that reads, its answer digit for digit."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import msgspec
import pytest
from program import SPAN, Fault, Watched

from comagic_cli.api.lists import Items
from comagic_cli.cli.api import Request, columns_of, limit_items, write_items
from comagic_cli.cli.console import StderrReporter
from comagic_cli.errors import RowsMissing, UsageProblem
from comagic_cli.export.context import Context, Progress
from comagic_cli.formats.base import FormatOptions

SMS = {"report_id": 1007, "date_from": SPAN[0], "date_till": SPAN[1], "fields": ["sms_id"]}


@pytest.fixture(scope="module")
def box():
    with Watched(rows=9000) as box:
        yield box


def test_an_object_is_printed_as_it_came(comagic, box):
    asked = ["getobj.report_state", "--params", '{"report_id": 1007}']
    ran = comagic("api", *asked, box=box)
    assert (ran.code, ran.err) == (0, "")
    assert json.loads(ran.out)["report_id"] == 1007
    assert ran.out.startswith('{\n  "report_id": 1007,\n')


def test_a_list_is_paged_to_its_end(comagic, box):
    box.journal.clear()
    ran = comagic("api", "get.sms", "--params", json.dumps(SMS), box=box)
    truth = box.truth("sms", *SPAN, fields=["sms_id"])
    assert (ran.code, len(truth) > 2000, json.loads(ran.out)) == (0, True, truth)
    assert [call.params.get("limit") for call in box.journal] == [10_000, 10_000]


@pytest.mark.parametrize("own", [{"limit": 7}, {"offset": 3}, {"limit": 7, "offset": 3}])
def test_who_pages_gets_one_call(comagic, box, own):
    box.journal.clear()
    ran = comagic("api", "get.sms", "--params", json.dumps(SMS | own), "-f", "jsonl", box=box)
    assert (ran.code, ran.out.count("\n"), len(box.journal)) == (0, own.get("limit", 1000), 1)


def test_max_rows_ends_the_paging(comagic, box):
    box.journal.clear()
    asked = ["api", "get.sms", "--params", json.dumps(SMS), "--max-rows", 5, "-f", "csv"]
    ran = comagic(*asked, box=box)
    assert (ran.code, ran.out.count("\n"), len(box.journal)) == (0, 6, 1)


@pytest.mark.parametrize("format_", ["csv", "tsv", "table"])
def test_columns_are_the_members_of_all_items(comagic, box, format_):
    ran = comagic("api", "get.reports_list", "-f", format_, box=box)
    assert (ran.code, ran.err) == (0, "")
    assert "date_time_added_to_favorite" in ran.out.split("\n")[0]
    assert "Обращения" in ran.out


def test_a_file_is_written_whole(comagic, box, tmp_path):
    out = tmp_path / "reports.csv"
    assert comagic("api", "get.reports_list", "-f", "csv", "-o", out, box=box).code == 0
    assert len(list(csv.DictReader(out.read_text().splitlines()))) == 13


def test_a_refusal_leaves_no_file(comagic, box, tmp_path):
    ran = comagic("api", "get.nothing", "-o", tmp_path / "x", box=box)
    assert (ran.code, ran.out, list(tmp_path.glob("x*"))) == (5, "", [])
    assert "get.nothing" in ran.err


def test_the_user_is_sent_and_may_be_in_the_parameters(comagic):
    with Watched(agent=True) as agent:
        for typed in (["--user-id", 7002], ["--params", '{"user_id": 7002}']):
            ran = comagic("api", "get.account", *typed, box=agent)
            assert (ran.code, json.loads(ran.out)[0]["app_id"]) == (0, 7002)


@pytest.mark.parametrize(
    "method",
    ["login.user", "logout.user", "create.tags", "delete.sms", "get", "get.", "GET.sms", "get.x y"],
)
def test_what_could_change_data_is_not_sent(comagic, box, method):
    box.journal.clear()
    ran = comagic("api", method, box=box)
    assert (ran.code, ran.out, box.journal) == (2, "", [])
    assert "is not a read-only method" in ran.err


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ("{", "--params is not a JSON object"),
        ("[]", "--params is not a JSON object"),
        ("", "--params is not a JSON object"),
        ("[" * 3000, "--params is not a JSON object"),
        ('{"access_token": "x"}', "the token can't be a parameter"),
        ("@no.json", "no.json can't be read"),
    ],
)
def test_parameters_that_can_not_be_sent_are_told(comagic, box, params, message):
    box.journal.clear()
    ran = comagic("api", "get.account", "--params", params, box=box)
    assert (ran.code, ran.out, box.journal, message in ran.err) == (2, "", [], True)


def test_parameters_come_from_a_file_or_standard_input(tmp_path):
    text = b'{"a": 1.50, "b": "text", "c": 123456789012345678901234567890}'
    (tmp_path / "p.json").write_bytes(text)
    reporter = StderrReporter(quiet=True, verbose=False, make_progress=Progress)
    context = Context(reporter=reporter, stdin=io.BytesIO(text))
    for typed in (text.decode(), f"@{tmp_path}/p.json", "-"):
        request = Request.parse("get.account", typed, context)
        assert request.params["b"] == "text"
        sent = msgspec.json.encode(request.params)
        assert sent == b'{"a":1.50,"b":"text","c":123456789012345678901234567890}'
    with pytest.raises(UsageProblem, match="closed"):
        Request.parse("get.account", "-", replace(context, stdin=None))


def test_a_dry_run_shows_the_call_and_sends_nothing(comagic, box):
    box.journal.clear()
    ran = comagic("api", "get.account", "--user-id", 7, "--dry-run", box=box)
    assert (ran.code, box.journal) == (0, [])
    assert json.loads(ran.out)["params"] == {"access_token": "***", "user_id": 7}


@pytest.mark.parametrize(("format_", "end"), [("json", "\n]\n"), ("csv", "\n"), ("jsonl", "\n")])
def test_what_came_of_a_list_that_is_short_is_printed_whole(comagic, format_, end):
    class Overstating(Watched):
        def answer(self, body, headers):
            answer = super().answer(body, headers)
            object.__setattr__(answer, "body", answer.body.replace(b'_items":13', b'_items":20'))
            return answer

    with Overstating() as box:
        ran = comagic("api", "get.reports_list", "-f", format_, box=box)
    assert (ran.code, ran.out.endswith(end), ran.out.count("Обращения")) == (3, True, 1)
    assert "get.reports_list: received 13 of 20 items" in ran.err


def test_failures_on_the_way_are_tried_again(comagic):
    faults = (Fault("503", at=(1,), method="get.account"),)
    with Watched(faults=faults) as box:
        assert comagic("api", "get.account", box=box).code == 0


def written(format_, *pages):
    stream = io.BytesIO()
    write_items(stream, format_, iter(pages), FormatOptions())
    return stream.getvalue().decode()


def page(*texts, **more):
    return Items([msgspec.Raw(text.encode()) for text in texts], **more)


@pytest.mark.parametrize(
    ("format_", "pages", "text"),
    [
        ("json", [page()], "[]\n"),
        ("json", [page("17"), page("[ 1.50,{} ]")], "[\n  17,\n  [\n    1.50,\n    {}\n  ]\n]\n"),
        ("json", [page("null", is_list=False)], "null\n"),
        ("json", [page('{"a":1e5}', is_list=False)], '{\n  "a": 1e5\n}\n'),
        ("json", [page('{"a":"<m>d800"}', marker=b"<m>")], '[\n  {\n    "a": "\\ud800"\n  }\n]\n'),
        ("jsonl", [page('{ "a" :\n 1.50 }', "2")], '{"a":1.50}\n2\n'),
        ("jsonl", [page()], ""),
        ("csv", [page()], ""),
        ("csv", [page('{"a":1.50}'), page(), page('{"b":[1,2],"a":null}')], "a,b\n1.50,\n,1; 2\n"),
        ("csv", [page("17", '"x"', '{"a":1}')], "value,a\n17,\nx,\n,1\n"),
        ("csv", [page('{"a":"<m>d800"}', marker=b"<m>")], "a\n\\ud800\n"),
    ],
)
def test_items_are_written(format_, pages, text):
    assert written(format_, *pages) == text


def test_columns_stand_as_they_first_come():
    assert columns_of([page('{"b":1,"a":2}'), page('{"c":1,"a":2}')]) == ["b", "a", "c"]


@pytest.mark.parametrize(("most", "left"), [(None, [2, 2, 1]), (1, [1]), (2, [2]), (3, [2, 1])])
def test_pages_are_limited_and_no_more_is_asked(most, left):
    pages = [page("1", "2"), page("3", "4"), page("5")]
    assert [len(some.items) for some in limit_items(iter(pages), most)] == left


def test_json_is_ended_where_rows_are_missing():
    def pages():
        yield page("1")
        raise RowsMissing("gone")

    stream = io.BytesIO()
    with pytest.raises(RowsMissing):
        write_items(stream, "json", pages(), FormatOptions())
    assert stream.getvalue() == b"[\n  1\n]\n"
