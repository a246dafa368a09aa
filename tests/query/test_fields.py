from __future__ import annotations

import msgspec
import pytest

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.query.catalog import Field, ReportType, report, reports
from comagic_cli.query.fields import ExportRequest, build_request, choose_columns, choose_sort
from comagic_cli.query.query import Sort

REPORT = ReportType(
    command="calls",
    method="get.calls",
    title="Calls",
    type="calls",
    max_days=366,
    key=("id",),
    key_is_unique=True,
    time=("time",),
    fields=(
        Field("id", "number", default=True),
        Field("time", "iso8601", default=True),
        Field("utm_source", "string", group="utm"),
        Field("utm_medium", "string", group="utm"),
        Field("tags", "object", sort=False, group="tag"),
    ),
)
OWN = msgspec.structs.replace(
    REPORT,
    more=(Field("cc_17", "number", group="custom"), Field("cc_18", group="custom"), Field("rank")),
)
ALL = ("id", "time", "utm_source", "utm_medium", "tags")
SEE = "See comagic fields calls."


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ([], ("id", "time")),
        (["time,id"], ("time", "id")),
        ([" time , id ", "tags"], ("time", "id", "tags")),
        (["id,id", "id"], ("id",)),
        (["@default"], ("id", "time")),
        (["all"], ALL),
        (["*,-tags"], ALL[:-1]),
        (["@all"], ALL),
        (["@utm,id"], ("utm_source", "utm_medium", "id")),
        (["utm_medium", "@utm"], ("utm_medium", "utm_source")),
        (["-id"], ("time",)),
        (["@all,-@utm , - id"], ("time", "tags")),
        (["-utm_source", "@utm"], ("utm_medium",)),
        (["@utm", "-tags"], ("utm_source", "utm_medium")),
    ],
)
def test_columns_are_those_typed_in_that_order(typed, columns):
    assert choose_columns(REPORT, typed) == columns


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ("id,cc_17", ("id", "cc_17")),
        ("id,rank", ("id", "rank")),
        ("@custom", ("cc_17", "cc_18")),
        ("id,@custom,-cc_17", ("id", "cc_18")),
        ("@all,rank", (*ALL, "rank")),
    ],
)
def test_columns_of_the_account_are_those_that_it_told(typed, columns):
    assert choose_columns(OWN, [typed]) == columns
    with pytest.raises(UnknownField):
        choose_columns(REPORT, [typed])


TITLED = msgspec.structs.replace(
    OWN,
    titles=(
        ("Номер", "id"),
        ("Когда, точно", "time"),
        ("Метка", "tags"),
        ("Источник", "utm_source"),
        ("Источник", "utm_medium"),
    ),
)


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ("Номер", ("id",)),
        ("номер, Когда,  ТОЧНО ,tags", ("id", "time", "tags")),
        ("Когда, точно,Номер", ("time", "id")),
        ("@all,-Когда, точно,-Метка", ("id", "utm_source", "utm_medium")),
    ],
)
def test_a_title_of_the_account_stands_for_the_field(typed, columns):
    assert choose_columns(TITLED, [typed]) == columns


def test_a_title_can_be_sorted_by():
    sorts = (Sort("time", descending=True), Sort("id"))
    assert choose_sort(TITLED, ["Когда, точно:desc,Номер"]) == sorts
    assert choose_sort(TITLED, ["-Когда, точно,Номер asc"]) == sorts


def test_a_title_of_several_fields_lists_them():
    with pytest.raises(UnknownField) as caught:
        choose_columns(TITLED, ["id,источник"])
    assert caught.value.message == "--fields: 2 fields of calls have the title 'источник'"
    assert caught.value.hint == "Write the name of one: utm_source, utm_medium."


def test_a_title_that_is_mistyped_is_suggested():
    with pytest.raises(UnknownField) as caught:
        choose_columns(TITLED, ["Намер"])
    assert caught.value.hint == "Did you mean id (Номер)?"


@pytest.mark.parametrize("texts", [[""], [",,,"], ["", " , "]])
def test_a_list_without_fields_is_refused(texts):
    with pytest.raises(UsageProblem) as caught:
        choose_columns(REPORT, texts)
    assert caught.value.message == "--fields: the list is empty"
    assert caught.value.hint == "Name fields or groups, for example @default."


def test_an_account_without_columns_of_its_own():
    none = msgspec.structs.replace(REPORT, more=())
    assert choose_columns(none, ["id,@custom"]) == ("id",)
    with pytest.raises(UsageProblem, match="@custom leaves no column of calls"):
        choose_columns(none, ["@custom"])


def test_which_columns_are_custom_is_not_guessed():
    with pytest.raises(UnknownField) as caught:
        choose_columns(REPORT, ["id,@custom"])
    assert caught.value.message == "--fields: it is not known which columns are @custom"
    assert (caught.value.field, caught.value.hint) == ("@custom", "Name them: cc_17.")


GROUPS = "Groups of calls: @default, @all, @utm, @tag, @custom."


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("utm_sorce", "calls has no field 'utm_sorce'", "Did you mean utm_source?"),
        ("utm_m", "calls has no field 'utm_m'", "Did you mean utm_medium?"),
        ("zzz", "calls has no field 'zzz'", SEE),
        ("cc_x", "calls has no field 'cc_x'", SEE),
        ("cc_1\n2", "calls has no field 'cc_1\\n2'", SEE),
        ("id time", "calls has no field 'id time'", "Did you mean time?"),
        ("@other", "there is no group @other", GROUPS),
        ("@", "there is no group @", GROUPS),
        ("-@other", "there is no group @other", GROUPS),
        ("-tag", "calls has no field 'tag'", "Did you mean tags?"),
        ("-", "calls has no field ''", SEE),
    ],
)
def test_columns_that_there_are_not(typed, message, hint):
    with pytest.raises(UsageProblem) as caught:
        choose_columns(REPORT, [f"id,{typed}"])
    assert (caught.value.message, caught.value.hint) == (f"--fields: {message}", hint)


@pytest.mark.parametrize(
    ("typed", "sort"),
    [
        ([], ()),
        (["id"], (Sort("id"),)),
        (["id:asc", "time:desc"], (Sort("id"), Sort("time", descending=True))),
        ([" id , time:desc "], (Sort("id"), Sort("time", descending=True))),
        (["cc_17:desc"], (Sort("cc_17", descending=True),)),
        (["-id,time"], (Sort("id", descending=True), Sort("time"))),
        (["id:DESC", "time:Asc"], (Sort("id", descending=True), Sort("time"))),
        (["id desc"], (Sort("id", descending=True),)),
    ],
)
def test_what_is_typed_to_sort_by(typed, sort):
    assert choose_sort(OWN, typed) == sort


WRITE = "Write FIELD, FIELD:asc or FIELD:desc."
ABLE = "Fields: id, time, utm_source, utm_medium."


@pytest.mark.parametrize(
    ("typed", "message", "hint"),
    [
        ("", "'' is not a sort order", WRITE),
        (":desc", "':desc' is not a sort order", WRITE),
        ("id:", "'id:' is not a sort order", WRITE),
        ("id:down", "'id:down' is not a sort order", WRITE),
        ("id,", "'' is not a sort order", WRITE),
        ("-", "'-' is not a sort order", WRITE),
        ("-id:desc", "'-id:desc' is not a sort order", WRITE),
        ("tags:desc", "calls can't be sorted by tags", ABLE),
        ("tiem", "calls has no field 'tiem'", "Did you mean time?"),
    ],
)
def test_what_cannot_be_sorted_by(typed, message, hint):
    with pytest.raises(UsageProblem) as caught:
        choose_sort(REPORT, [typed])
    assert (caught.value.message, caught.value.hint) == (f"--sort: {message}", hint)


@pytest.mark.parametrize(
    "typed", ["id,-@all", "-@default", "@utm,-utm_source,-utm_medium", "id", "time,id"]
)
def test_what_leaves_no_column(typed):
    unwanted = typed if "-" in typed else f"{typed},-id,-time"
    with pytest.raises(UsageProblem) as caught:
        choose_columns(REPORT, [unwanted])
    assert caught.value.message == f"--fields: {unwanted} leaves no column of calls"
    assert caught.value.hint == "Name at least one field or group."


def test_a_wish_tells_the_types_that_only_the_account_knows():
    assert build_request(OWN, ["rank,id,cc_17"], []).own_types == ["rank", "cc_17 number"]
    assert build_request(REPORT, ["id"], []).own_types == []


def test_a_wish_holds_what_is_typed():
    wish = build_request(REPORT, ["id"], ["time:desc"])
    assert wish == ExportRequest(REPORT, ("id",), (Sort("time", descending=True),))


@pytest.mark.parametrize("entry", reports(), ids=lambda entry: entry.command)
def test_the_report_type_is_sent_only_where_the_method_takes_it(entry):
    wanted = "communications" if entry.command == "communications" else None
    assert build_request(entry, [], []).report_type == wanted


@pytest.mark.parametrize("entry", reports(), ids=lambda entry: entry.command)
def test_the_groups_that_a_message_lists_can_be_chosen(entry):
    with pytest.raises(UsageProblem) as caught:
        choose_columns(entry, ["@"])
    *listed, custom = caught.value.hint.partition(": ")[2].rstrip(".").split(", ")
    assert custom == "@custom"
    assert listed[:2] == ["@default", "@all"]
    names = {field.name for field in report(entry.command).fields}
    for group in listed:
        assert set(choose_columns(entry, [group])) <= names


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        ("redirection_info", ("redirection_info",)),
        ("call_redirection_info", ("call_redirection_info",)),
        ("redirection_info,call_redirection_info", ("redirection_info",)),
        (
            "call_redirection_info,redirection_info,communication_id",
            ("call_redirection_info", "communication_id"),
        ),
        ("communication_id,redirection_info,-call_redirection_info", ("communication_id",)),
    ],
)
def test_a_column_of_two_names_has_the_name_that_was_typed_first(typed, columns):
    assert choose_columns(report("call-details"), [typed]) == columns
