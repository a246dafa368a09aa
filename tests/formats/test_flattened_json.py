from __future__ import annotations

import json

import pytest
from sinks import members, page_of, written

from comagic_cli.formats.json import Spreader
from comagic_cli.query.catalog import Field, reports

KIND = Field("kind", "object", members=members("value", "value_id"))
TAGS = Field("tags", "object")
NEW = Field("cc_12")
LIST = Field("list", "array")
WRAPPED = Field("number", "string", members=members("value", "extra"))

NO_OTHERS = '"tags.communication_id":null,"tags.communication_type":null'

# Field, its value, and what is written of the row.
SPREAD = [
    (KIND, '{"value":"я","value_id":1.10}', '"kind.value":"я","kind.value_id":"1.10"'),
    (KIND, '{"value":"я","value_id":"я"}', '"kind.value":"я","kind.value_id":"я"'),
    (KIND, '{"value":"я","value_id":true}', '"kind.value":"я","kind.value_id":"true"'),
    (KIND, '{"value_id":{"a":[-0]}}', r'"kind.value":null,"kind.value_id":"{\"a\":[-0]}"'),
    (KIND, "null", '"kind.value":null,"kind.value_id":null'),
    (KIND, "{}", '"kind.value":null,"kind.value_id":null'),
    (KIND, "[]", '"kind.value":null,"kind.value_id":null'),
    (KIND, '{"x.y":1,"value":2}', '"kind.value":"2","kind.value_id":null,"kind.x.y":1'),
    (KIND, "1E400", '"kind.value":null,"kind.value_id":null,"kind":1E400'),
    (KIND, '""', '"kind.value":null,"kind.value_id":null,"kind":""'),
    (KIND, '["a"]', '"kind.value":null,"kind.value_id":null,"kind":["a"]'),
    (Field("kind", "object"), '{"value":1}', '"kind.value":"1","kind.value_id":null'),
    (TAGS, '{"items":[{"id":1}]}', '"tags.items":[{"id":1}],' + NO_OTHERS),
    (LIST, '[{"a":1},{"b":{"c":2}}]', '"list":[{"a":1},{"b":{"c":2}}]'),
    (Field("phone", "string"), '{"extra":{"a":1},"value":"79"}', '"phone":"79"'),
    (Field("phone", "string"), '{"value":null,"extra":{}}', '"phone":null'),
    (Field("phone", "string"), '{"value":79110000000,"extra":{}}', '"phone":"79110000000"'),
    (WRAPPED, "79110000000", '"number":"79110000000"'),
    (WRAPPED, r'"7\"9\\"', r'"number":"7\"9\\"'),
    (WRAPPED, '{"extra":{},"value":79}', '"number":"79"'),
    (WRAPPED, "-0.10E+400", '"number":"-0.10E+400"'),
    (WRAPPED, '{"a": 1}', r'"number":"{\"a\":1}"'),
    (WRAPPED, '[ "79", 8 ]', r'"number":"[\"79\",8]"'),
    (Field("sip_phone_number", "string"), "79", '"sip_phone_number":"79"'),
    (Field("phone_book_id", "string"), "79", '"phone_book_id":79'),
    (Field("id", "string"), "12345678901234567890123", '"id":12345678901234567890123'),
    (NEW, '{"value":1,"value_id":2}', '"cc_12":{"value":1,"value_id":2}'),
]  # fmt: skip


@pytest.mark.parametrize("beside", ["null", '{"value":1}', '"odd"', '{"more":1}'])
@pytest.mark.parametrize(("field", "value", "row"), SPREAD)
def test_objects_are_spread(field, value, row, beside):
    """What stands in other rows of the page changes nothing."""
    page = page_of(*(f'{{"{field.name}":{one}}}' for one in (value, beside, value)))
    lines = written("jsonl", [field], page, flatten=True).splitlines()
    assert (lines[0], lines[2]) == (f"{{{row}}}", f"{{{row}}}")
    assert len(lines) == 3


def test_keys_of_every_report_depend_on_nothing_but_its_fields():
    for report in reports():
        names = Spreader(report.fields).names
        assert len(set(names)) == len(names) >= len(report.fields)
        [row] = json.loads(written("json", report.fields, page_of("{}"), flatten=True))
        assert tuple(row) == names
        assert not any(row.values())


def test_pretty_pages_and_halves_of_surrogate_pairs():
    page = page_of('{"kind": {\n "value": [1,\n 2],\n "moreMARKd800": "MARKdc00"}}', marker="MARK")
    assert written("jsonl", [KIND], page, flatten=True) == (
        '{"kind.value":"[1,2]","kind.value_id":null,"kind.more\\ud800":"\\udc00"}\n'
    )


@pytest.mark.parametrize(("form", "text"), [("jsonl", ""), ("json", "[]\n")])
def test_no_rows(form, text):
    assert written(form, [KIND], page_of(), flatten=True) == text
