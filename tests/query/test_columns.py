from __future__ import annotations

import pytest

from comagic_cli.api.endpoints import ask_columns, ask_kind
from comagic_cli.errors import Refused, UnknownField
from comagic_cli.formats.base import FormatOptions
from comagic_cli.formats.flatten import Flattener
from comagic_cli.query.catalog import (
    Column,
    Field,
    ReportType,
    as_field,
    custom_fields,
    find_field,
    report,
    with_guess,
    with_more,
)
from comagic_cli.rows.page import Answer

REPORT = ReportType(
    command="calls",
    method="get.calls",
    title="Calls",
    type="calls",
    max_days=366,
    key=("id",),
    key_is_unique=True,
    time=("time",),
    fields=(Field("id", "number"), Field("time", "iso8601")),
)
TREE = (
    Column("id", "Номер", data_type="integer"),
    Column("cc_1", "Отдел", data_type="list", is_custom=True),
    Column("rank", data_type="float"),
)
PAIR = {"value": "Да", "value_id": True}


# What a column of the account becomes


@pytest.mark.parametrize(
    ("data_type", "type_", "value", "cell"),
    [
        ("string", "string", "да; нет", "да; нет"),
        ("integer", "number", 17, 17),
        ("float", "number", 2, 2),
        ("datetime", "iso8601", "2024-10-01 00:00:00", "2024-10-01 00:00:00"),
        ("time", "duration", "00:01:02", "00:01:02"),
        ("list", "object", PAIR, "Да"),
        ("list", "object", ["a", 1], '["a",1]'),
        ("tag_json_object", "object", {"items": [{"id": 1, "name": "a"}, {"name": "b"}]}, "a; b"),
        ("employee_list", "array", [{"employee_full_name": "Ли"}, {}], "Ли; "),
        ("json_object", "", {"a": 1}, '{"a":1}'),
        ("json_object", "", ["a", 1], "a; 1"),
        ("json_object", "", PAIR, "Да"),
        ("of next year", "", "x", "x"),
        ("", "", None, None),
    ],
)
def test_a_data_type_tells_how_a_value_is_flattened(data_type, type_, value, cell):
    field = as_field(Column("cc_1", data_type=data_type))
    assert (field.name, field.type) == ("cc_1", type_)
    flat = Flattener([field], FormatOptions())
    assert (flat.names, [*map(list, flat.columns([(value,)]))]) == (("cc_1",), [[cell]])


def test_a_list_has_a_value_and_an_id():
    flat = Flattener([as_field(TREE[1])], FormatOptions(coded_values="both"))
    assert flat.names == ("cc_1", "cc_1.id")


def test_only_what_the_catalogue_lacks_is_added():
    known = with_more(REPORT, TREE)
    assert known.fields == REPORT.fields
    assert [(field.name, field.group) for field in known.more] == [("cc_1", "custom"), ("rank", "")]
    assert [known.field(name).type for name in ("id", "rank", "no")] == ["number", "number", ""]


def test_which_fields_are_custom_is_known_once_the_account_was_asked():
    assert custom_fields(REPORT) is None
    assert custom_fields(with_more(REPORT, TREE)) == ("cc_1",)
    assert custom_fields(with_more(REPORT, ())) == ()
    assert custom_fields(with_guess(REPORT, "cc_9")) is None
    assert custom_fields(with_guess(with_more(REPORT, TREE), "cc_9")) is None


@pytest.mark.parametrize(
    ("known", "name", "hint"),
    [
        (REPORT, "TIME", "Did you mean time?"),
        (REPORT, "tiem", "Did you mean time?"),
        (with_more(REPORT, TREE), "rnak", "Did you mean rank?"),
        (with_more(REPORT, TREE), "cc_2", "Did you mean cc_1?"),
        (REPORT, "cc_1", "See comagic fields calls."),
    ],
)
def test_a_field_that_nobody_knows(known, name, hint):
    with pytest.raises(UnknownField) as caught:
        find_field(known, name, "--sort")
    assert caught.value.message == f"--sort: calls has no field {name!r}"
    assert (caught.value.hint, caught.value.field) == (hint, name)


def test_a_guessed_field_is_found():
    assert find_field(with_guess(REPORT, "cc_1"), "cc_1", "--sort").type == ""


# What the account says


class Service:
    """Answers every call of a method alike, and keeps what was called."""

    def __init__(self, **answers) -> None:
        self.answers = answers
        self.called = []

    def call(self, method, params):
        self.called.append((method, dict(params)))
        return Answer(self.answers[method.partition(".")[2]])


@pytest.mark.parametrize(
    ("data", "columns"),
    [
        (
            b"""{"columns_groups": [], "columns": [
                {"id": "id", "name": "ID", "description": null, "data_type": "integer", "x": [1]},
                {"id": "cc_1", "name": 5, "is_custom": true}, {"id": "cc_2", "is_custom": null},
                {"id": "odd", "is_custom": "no"}]}""",
            (
                Column("id", "ID", data_type="integer"),
                Column("cc_1", is_custom=True),
                Column("cc_2", is_custom=True),
                Column("odd"),
            ),
        ),
        (b'[{"columns": [{"id": "a"}]}]', (Column("a"),)),
        (
            b'{"columns": [{"id": "a"}, {"id": "a", "name": "x"}, 5, {"id": 7}, {}]}',
            (Column("a", "x"),),
        ),
        (b'{"columns": null}', ()),
        (b"{}", ()),
        (b"null", ()),
    ],
)
def test_columns_are_read_whatever_else_there_is(data, columns):
    service = Service(columns_tree=data)
    assert ask_columns(service.call, "calls") == columns
    assert service.called == [("getobj.columns_tree", {"report_type": "calls"})]


def test_columns_that_cannot_be_read():
    with pytest.raises(Refused, match=r"^getobj.columns_tree: the answer's data can't be read: "):
        ask_columns(Service(columns_tree=b"{").call, "calls")


@pytest.mark.parametrize(
    ("command", "named", "kind", "calls"),
    [
        ("calls", "12", "calls", 0),
        ("mgf-calls", None, "mgf_calls", 0),
        ("visits", None, "visits", 0),
        ("visits", "12", "site_visits", 2),  # the list says no total: its end is asked for
        ("visits", "Визиты", "site_visits", 2),
        ("visits", "13", "visits", 2),
        ("visits", "14", "visits", 2),
    ],
)
def test_the_type_of_a_report_is_asked_where_the_catalogue_has_none(command, named, kind, calls):
    rows = '[{"id":12,"type":"site_visits","name":"Визиты"},{"id":14}]'.encode()
    service = Service(reports_list=rows)
    assert ask_kind(service.call, report(command), named) == kind
    assert len(service.called) == calls
