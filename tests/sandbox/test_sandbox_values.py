"""Quirks of the sandbox that change what values look like."""

import json

import pytest
from sandbox_client import KEY, PERIOD, ask, refused, rows, sandbox, straight

TIME = "communication_date_time"
FULL = [*KEY, "call_status", "tags", "employees", "site_name", "person_id", "contact_full_name"]
IDS = ["communication_id"]


@pytest.fixture
def make():
    made = []

    def one(**quirks):
        made.append(sandbox(**quirks))
        return made[-1]

    yield one
    for box in made:
        box.close()


@pytest.mark.parametrize(("kind", "type_"), [("number", int), ("text", str)])
def test_ids_are_numbers_or_texts(make, kind, type_):
    box = make(communication_id=kind)
    for command in ("communications", "calls", "leads"):
        assert {type(row["communication_id"]) for row in rows(box, command, fields=IDS)} == {type_}
    tags = [row["tags"] for row in rows(box, fields=["tags"]) if row["tags"]]
    assert isinstance(tags[0]["communication_id"], int)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("asked", ["site_name", "communication_id", "tags"]),
        ("catalog", ["site_name", "communication_id", "tags"]),
        ("reversed", ["tags", "communication_id", "site_name"]),
    ],
)
def test_the_order_of_keys(make, order, expected):
    box = make(key_order=order)
    asked = ["site_name", "communication_id", "tags"]
    assert list(rows(box, fields=asked)[0]) == expected
    if order == "catalog":
        assert list(rows(box, fields=asked[::-1])[0]) == expected


def test_shuffled_keys_change_from_call_to_call(make):
    box = make(key_order="shuffled", columns=("cc_17",))
    asked = [*FULL, "cc_17"]
    orders = {tuple(rows(box, fields=asked, limit=1)[0]) for _ in range(5)}
    assert len(orders) > 1
    assert {frozenset(order) for order in orders} == {frozenset(asked)}


def test_a_key_can_come_unasked(make):
    box = make(extra_key=True)
    assert set(rows(box, fields=["site_name"])[0]) == {"site_name", "communication_id"}
    assert list(rows(box, fields=IDS)[0]) == IDS
    assert list(rows(box, "sms", fields=["sms_id"])[0]) == ["sms_id"]


MEMBERS = {"value": None, "value_id": None}


@pytest.mark.parametrize(
    ("form", "empty", "no_tags"),
    [
        ("members", [MEMBERS], [None]),
        ("empty", [{}], [{}]),
        ("null", [None], [None]),
        ("mixed", [MEMBERS, {}, None], [None, {}]),
    ],
)
def test_forms_of_an_empty_object(make, form, empty, no_tags):
    box = make(empty_object=form)
    found = rows(box, fields=FULL)
    empties = [
        row["call_status"] for row in found if row["communication_type"]["value_id"] != "call"
    ]
    assert all(value in empty for value in empties)
    assert all(value in empties for value in empty)
    tags = [row["tags"] for row in found if not row["tags"]]
    assert all(value in no_tags for value in tags)
    assert all(value in tags for value in no_tags)


@pytest.mark.parametrize("null", [False, True])
def test_empty_arrays_or_nulls(make, null):
    box = make(null_arrays=null)
    empties = [row["employees"] for row in rows(box, fields=FULL) if not row["employees"]]
    assert empties
    assert all(value == (None if null else []) for value in empties)


def test_keys_of_nulls_can_be_missing(make):
    whole, some = make(), make(missing_keys=True)
    found = rows(some, fields=FULL)
    assert found == [
        {name: value for name, value in row.items() if value is not None}
        for row in rows(whole, fields=FULL)
    ]
    assert any(len(row) < len(FULL) for row in found)
    assert set(some.truth("communications", *PERIOD, fields=FULL)[0]) == set(FULL)


def test_custom_columns(make):
    box = make(columns=("cc_17", "cc_18"))
    found = rows(box, fields=["cc_17", "cc_18"])
    assert {type(row["cc_17"]) for row in found} == {str, int, float, type(None)}
    assert found != [{"cc_17": row["cc_18"], "cc_18": row["cc_17"]} for row in found]
    tree = straight(box, "getobj.columns_tree", report_type="communications")["result"]["data"]
    custom = [column["id"] for column in tree["columns"] if column["is_custom"]]
    assert custom == ["cc_17", "cc_18"]
    filters = straight(box, "get.report_filters", report_type="communications")["result"]["data"]
    assert [one["id"] for one in filters if one["id"].startswith("cc_")] == custom
    where = {"field": "cc_17", "operator": "=", "value": "17"}
    assert {row["cc_17"] for row in rows(box, fields=["cc_17"], filter=where)} == {17}
    sort = [{"field": "cc_17"}]
    values = [row["cc_17"] for row in rows(box, fields=["cc_17"], sort=sort)]
    assert (values[0], values[-1]) == (2.5, None)
    assert "cc_17" in box.truth("communications", *PERIOD)[0]
    assert refused(ask(box, fields=["cc_19"]))[0] == "unexpected_parameters"


def body(box, *fields, **params):
    """Return the bytes of an answer."""
    asked = {"access_token": box.token, "report_id": 1001, "fields": fields, "limit": 500}
    period = {"date_from": PERIOD[0], "date_till": PERIOD[1]}
    request = {"jsonrpc": "2.0", "id": 1, "method": "get.communications"}
    request["params"] = asked | period | params
    return box.answer(json.dumps(request).encode(), ()).body


def test_broken_text(make):
    assert b"\\ud83d" in body(make(lone_surrogates=True), "contact_full_name")
    assert json.loads(body(make(lone_surrogates=True), "contact_full_name"))
    with pytest.raises(UnicodeDecodeError):
        body(make(invalid_utf8=True), "contact_full_name").decode()
    box = make(invalid_utf8=True)
    assert any("\ufffd" in str(row) for row in box.truth("communications", *PERIOD))
    assert body(make(), "contact_full_name").decode()


@pytest.mark.parametrize("surrogates", [False, True])
def test_numbers_of_many_digits(make, surrogates):
    text = body(make(big_numbers=True, lone_surrogates=surrogates), "person_id").decode()
    for digits in ("12345678901234567890123", "0.10000000000000000001", "1.0E+400", "1e2"):
        assert f'"person_id":{digits}' in text
    assert json.loads(text)


def test_pretty_json_is_the_same_json(make):
    plain, pretty = body(make(), *FULL), body(make(pretty=True), *FULL)
    assert pretty.count(b"\n") > 1000
    assert json.loads(plain)["result"]["data"] == json.loads(pretty)["result"]["data"]
