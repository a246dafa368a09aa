from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

import msgspec
import pytest
from program import DAYS, Watched
from sandbox_client import IDS, sandbox
from scripted_service import client_of

from comagic_cli.api.dialect import Dialect, make_asker
from comagic_cli.errors import NetworkFailure, Refused
from comagic_cli.paging.window import Window
from comagic_cli.query.catalog import list_named, report
from comagic_cli.query.period import NO_PERIOD, Period
from comagic_cli.query.query import Query, Sort
from comagic_cli.rows.page import Answer

START, END = datetime(2026, 10, 1), datetime(2026, 10, 2)  # noqa: DTZ001 - the account's time
WITHOUT = Query(
    report("communications"), IDS["communications"], Period(START, END), ("communication_id",)
)
WITH = replace(WITHOUT, report_type="communications")
UNTYPED = replace(WITHOUT, report=msgspec.structs.replace(WITHOUT.report, type=None))
WINDOW = Window(START, END)
ANSWER = Answer(b"[]")
UNEXPECTED, MISSED = "unexpected_parameters", "required_parameter_missed"


def refused(mnemonic, field="", message="no"):
    return Refused(message, mnemonic=mnemonic, field=field)


class Service:
    """Answers pages in turn, and keeps the report_type of each."""

    def __init__(self, *answers) -> None:
        self.answers = list(answers)
        self.types = []

    def call(self, method, params, *_):
        assert method == "get.communications"
        self.types.append(params.get("report_type"))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def test_a_page_is_asked_with_the_query_s_parameters():
    called = []

    class Once:
        def call(self, *call):
            called.append(call)
            return ANSWER

    assert make_asker(Once(), WITH)(WINDOW, 20, 10) is ANSWER
    assert called == [("get.communications", WITH.params(START, END, 20, 10), msgspec.Raw)]


@pytest.mark.parametrize("service", ["accepted", "required", "refused"])
@pytest.mark.parametrize("query", [WITH, WITHOUT])
def test_the_report_type_is_sent_as_the_service_takes_it(service, query):
    with sandbox(rows=3, report_type=service) as box:
        client = client_of(box.url, token=box.token)
        ask = make_asker(client, query)
        for _ in range(3):
            assert ask(WINDOW, 0, 10).total is not None
        client.transport.close()
        fits = service == "accepted" or (service == "required") == (query is WITH)
        assert len(box.journal) == (3 if fits else 4)


@pytest.mark.parametrize(
    ("query", "refusal", "types"),
    [
        (WITH, refused(UNEXPECTED, "report_type"), ["communications", None]),
        (WITH, refused(UNEXPECTED), ["communications", None]),
        (WITH, refused(UNEXPECTED, "params", "no report_type"), ["communications", None]),
        (WITHOUT, refused(MISSED, "report_type"), [None, "communications"]),
        (WITHOUT, refused(MISSED, "", "report_type?"), [None, "communications"]),
        (UNTYPED, refused(MISSED, "report_type"), [None, "communications"]),
    ],
)
def test_the_other_form_is_tried_and_kept(query, refusal, types):
    service = Service(refusal, ANSWER, ANSWER)
    ask = make_asker(service, query)
    assert ask(WINDOW, 0, 10) is ANSWER
    assert ask(WINDOW, 10, 10) is ANSWER
    assert service.types == [*types, types[-1]]


@pytest.mark.parametrize(
    ("query", "refusal"),
    [
        (WITHOUT, refused(UNEXPECTED, "report_type")),
        (WITH, refused(UNEXPECTED, "sort")),
        (WITH, refused(UNEXPECTED, "communication_id")),
        (WITH, refused(UNEXPECTED, message="Unexpected method parameter(s): communication_id")),
        (WITH, Refused("no", mnemonic=UNEXPECTED, value="communication_id")),
        (WITH, refused(MISSED, "report_type")),
        (WITHOUT, refused(MISSED, "report_id")),
        (WITH, refused("error", "report_type")),
        (WITH, NetworkFailure("no", mnemonic=UNEXPECTED)),
    ],
)
def test_other_refusals_are_the_end(query, refusal):
    service = Service(refusal)
    with pytest.raises(type(refusal)) as caught:
        make_asker(service, query)(WINDOW, 0, 10)
    assert caught.value is refusal
    assert len(service.types) == 1


@pytest.mark.parametrize(
    ("second", "tells_more"),
    [
        (refused(MISSED, "report_type"), False),
        (refused("filter_prohibited", "filter"), True),
        (NetworkFailure("gone"), True),
    ],
)
def test_where_neither_form_is_taken_the_refusal_that_tells_more_is_raised(second, tells_more):
    first = refused(UNEXPECTED)
    ask = make_asker(Service(first, second, ANSWER), WITH)
    with pytest.raises((Refused, NetworkFailure)) as caught:
        ask(WINDOW, 0, 10)
    assert caught.value is (second if tells_more else first)
    assert ask(WINDOW, 0, 10) is ANSWER


class Sorted(Service):
    """Keeps what each page is sorted by."""

    def call(self, method, params, *_):
        assert method == "get.communications"
        self.types.append([sort["field"] for sort in params["sort"]])
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


TIME, KEY = "communication_date_time", "communication_id"


@pytest.mark.parametrize(
    ("query", "refusals", "sorts"),
    [
        (WITH, [refused("sort_prohibited", KEY)], [[TIME, KEY], [TIME]]),
        (WITH, [refused("sort_prohibited")], [[TIME, KEY], [TIME]]),
        (WITH, [refused("invalid_parameter_value", "sort")], [[TIME, KEY], [TIME]]),
        (WITH, [refused("data_type_error", "sort[1]")], [[TIME, KEY], [TIME]]),
        (
            WITH,
            [refused(UNEXPECTED, "report_type"), refused("sort_prohibited", KEY)],
            [[TIME, KEY], [TIME, KEY], [TIME]],
        ),
    ],
)
def test_where_the_key_is_no_order_the_time_alone_is(query, refusals, sorts):
    service = Sorted(*refusals, ANSWER, ANSWER)
    ask = make_asker(service, query)
    assert ask(WINDOW, 0, 10) is ANSWER
    assert ask(WINDOW, 10, 10) is ANSWER
    assert service.types == [*sorts, sorts[-1]]


@pytest.mark.parametrize(
    ("sort", "times"), [((Sort("communication_number"),), 2), ((Sort(KEY),), 1)]
)
def test_an_order_that_was_typed_is_not_given_up(sort, times):
    refusal = refused("sort_prohibited")
    service = Sorted(refusal, refusal)
    with pytest.raises(Refused, match=r"^no$"):
        make_asker(service, replace(WITH, sort=sort))(WINDOW, 0, 10)
    assert len(service.types) == times
    assert {each[0] for each in service.types} == {sort[0].field}


# Fields that the service knows by another name than the documentation

DETAILS = Query(
    report("call-details"),
    IDS["call-details"],
    Period(START, END),
    ("redirection_info", "communication_id"),
    filter={"field": "redirection_info", "operator": "=", "value": "x"},
    sort=(Sort("redirection_info"),),
)
DOCUMENTED, ANSWERED = "redirection_info", "call_redirection_info"


class Named:
    """Knows fields by some names, and keeps the name that each call uses in its three places."""

    def __init__(self, known, refuse) -> None:
        self.known, self.refuse, self.names = known, refuse, []

    def call(self, method, params, *_):
        assert method == "get.call_details"
        sorts = [sort["field"] for sort in params["sort"]]
        places = (*params["fields"], *sorts, params["filter"]["field"])
        [name] = {place for place in places if "redirection" in place}
        self.names.append(name)
        if name != self.known:
            raise self.refuse(name)
        return ANSWER


@pytest.mark.parametrize(
    "refuse",
    [
        lambda name: refused(UNEXPECTED, name),
        lambda name: refused(UNEXPECTED, "fields", f"no field {name}"),
        lambda name: refused(UNEXPECTED, f"fields.{name}"),
        lambda name: Refused("no", mnemonic=UNEXPECTED, field="fields", value=name),
        lambda _: refused(UNEXPECTED, "fields"),
        lambda _: refused(UNEXPECTED),
    ],
)
@pytest.mark.parametrize("known", [DOCUMENTED, ANSWERED])
def test_a_field_is_asked_by_the_name_that_the_service_knows(known, refuse):
    service, dialect = Named(known, refuse), Dialect()
    for _ in range(2):  # queries of one export, as of two customers
        ask = make_asker(service, DETAILS, dialect)
        assert ask(WINDOW, 0, 10) is ANSWER
        assert ask(WINDOW, 10, 10) is ANSWER
    first = [] if known == DOCUMENTED else [DOCUMENTED]
    assert service.names == [*first, *[known] * 4]


@pytest.mark.parametrize(
    ("known", "refusal", "calls"),
    [
        ("neither", refused(UNEXPECTED), 2),
        (ANSWERED, refused(UNEXPECTED, "communication_id"), 1),
        (ANSWERED, refused(UNEXPECTED, "limit"), 1),
        (ANSWERED, Refused("no", mnemonic=UNEXPECTED, field="fields", value="other"), 1),
        (ANSWERED, refused("invalid_parameter_value", DOCUMENTED), 1),
    ],
)
def test_a_field_is_not_renamed_for_another_refusal(known, refusal, calls):
    service = Named(known, lambda _: refusal)
    with pytest.raises(Refused) as caught:
        make_asker(service, DETAILS)(WINDOW, 0, 10)
    assert (caught.value, len(service.names)) == (refusal, calls)


@pytest.mark.parametrize("names", ["both", "documented", "answered"])
@pytest.mark.parametrize(
    ("fields", "column"),
    [
        ("person_id,communicatons_count", "communicatons_count"),
        ("person_id,communications_count", "communications_count"),
        ("@all", "communicatons_count"),
        ("@default", "communicatons_count"),
    ],
)
def test_an_asked_column_comes_whatever_the_service_calls_it(comagic, names, fields, column):
    with Watched(rows=40, field_names=names) as box:
        typed = ["--fields", "person_id", "-f", "csv", "--header", "none"]
        ids = set(comagic("chats", *DAYS, *typed, box=box).out.split())
        typed = ["--ids", ",".join(ids), "--fields", fields, "-f", "jsonl"]
        ran = comagic("person-details", *DAYS, *typed, box=box)
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert (ran.code, ran.err, bool(rows)) == (0, "", True)
    assert all(row[column] for row in rows)


@pytest.mark.parametrize(
    ("field", "message"),
    [("fields", "Unexpected method parameter(s)"), ("", "no"), ("status_id", "no such field")],
)
def test_a_list_whose_fields_are_refused_is_asked_for_without_them(field, message):
    employees = list_named("employees")
    query = Query(employees, None, NO_PERIOD, ("id", "full_name", "status_id"))
    asked = []

    class Once:
        def call(self, method, params, *_):
            asked.append((method, params.get("fields")))
            if params.get("fields"):
                raise refused(UNEXPECTED, field, message)
            return ANSWER

    assert make_asker(Once(), query)(WINDOW, 0, 10) is ANSWER
    fields = ["id", "full_name", "status_id"]
    assert asked == [("get.employees", fields), ("get.employees", None)]
