"""Every operator over every type of field: what the service selects is what is meant.

The rows wanted are chosen here, plainly, out of all rows; nothing is shared with the service.
"""

from __future__ import annotations

import json
import operator
import re
from datetime import datetime

import pytest
from coverage_marks import unmeasured
from sandbox_client import rows, sandbox

from comagic_cli.query.catalog import Column, report, with_more
from comagic_cli.query.filter.compiler import Filter
from comagic_cli.query.filter.values import KINDS, operators_of, typed_operator

MONTH = ("2026-09-10 00:00:00", "2026-10-07 23:59:59")
ORDER = {"<": operator.lt, ">": operator.gt, "<=": operator.le, ">=": operator.ge}

# A field of each type, and of each shape that its values take.
FIELDS = [
    ("communications", "site_name"),
    ("communications", "communication_id"),
    ("communications", "total_duration"),
    ("deals", "deal_revenue"),
    ("communications", "communication_date_time"),
    ("communications", "visit_date"),
    ("calls", "call_start_time"),
    ("calls", "call_talk_duration"),
    ("chats", "chat_is_transfer"),
    ("communications", "call_status"),
    ("communications", "tags"),
    ("leads", "lead_contact"),
    ("tags-history", "tag_name"),
    ("communications", "employees"),
    ("communications", "communication_kinds"),
    ("calls", "employees"),
    ("communications", "cc_17"),
]
KNOWN = {command: report(command) for command, _ in FIELDS}
KNOWN["communications"] = with_more(report("communications"), [Column("cc_17")])
CASES = [
    (command, name, one)
    for command, name in FIELDS
    for one in operators_of(KNOWN[command].field(name))
]


@pytest.fixture(scope="module")
def box():
    made = sandbox(columns=("cc_17",), filter_value_ids=False, rows=400, span=MONTH)
    yield made
    made.close()


@pytest.fixture(scope="module")
def whole(box):
    """Return all rows of a report, each once asked for."""
    known = {}

    def ask(command, *names):
        if (command, names) not in known:
            known[command, names] = rows(box, command, MONTH, fields=list(names))
        return known[command, names]

    return ask


def names_of(value, kind):
    """List what a value is called: a list by its items, an object by its name or value."""
    if isinstance(value, dict) and "items" in value:
        return [item["name"] for item in value["items"]]
    if isinstance(value, list):
        items = [next(iter(one.values())) if isinstance(one, dict) else one for one in value]
        return [str(one) for one in items]
    if isinstance(value, dict):
        value = value["value"] if "value" in value else value.get("name")
    if value is None:
        return []
    if kind in {"number", "boolean"}:
        return [value]
    return [seconds(value) if kind == "duration" else str(value)]


def seconds(value):
    if not isinstance(value, str):
        return value
    hours, minutes, rest = map(int, value.split(":"))
    return hours * 3600 + minutes * 60 + rest


def typed(value, kind):
    if isinstance(value, bool) or kind in {"number", "duration"}:
        return json.dumps(value)
    return "'" + value.replace("'", "''") + "'"


def pattern_of(like):
    parts = re.split("(%)", like)
    return re.compile(
        "".join(".*" if part == "%" else re.escape(part) for part in parts), re.DOTALL
    )


def meant(one, wanted, other):
    """Return what a condition means: a test of the names of a value."""
    base = one.removeprefix("not_") if one.startswith("not_") else {"!=": "="}.get(one, one)
    if base in {"is_null", "is_not_null"}:
        return lambda names: (not names) == (base == "is_null")
    tests = {
        "=": lambda name: name == wanted,
        "in": lambda name: name in {wanted, other},
        "overlap": lambda name: name in {wanted, other},
        "like": lambda name: pattern_of(f"%{wanted[1:]}").fullmatch(name),
        "ilike": lambda name: pattern_of(f"%{wanted[1:]}".lower()).fullmatch(name.lower()),
        "regexp": lambda name: re.search(f"^{re.escape(wanted)}", name),
        "jsquery": lambda name: wanted[:4] in name,
    }
    tests |= {sign: lambda name, sign=sign: ORDER[sign](name, wanted) for sign in ORDER}
    negated = base != one
    return lambda names: bool(names) and any(map(tests[base], names)) != negated


def expression(name, one, wanted, other, kind):
    if one in {"is_null", "is_not_null"}:
        return f"{name} {typed_operator(one)}"
    value = typed(wanted, kind)
    if one in {"in", "not_in", "overlap", "not_overlap"}:
        value = f"({value}, {typed(other, kind)})"
    if one.endswith("like"):
        text = f"%{wanted[1:]}"
        value = typed(text.upper() if "ilike" in one else text, kind)
    if one == "jsquery":
        value = typed(wanted[:4], kind)
    if one == "regexp":
        value = typed(f"^{re.escape(wanted)}", kind)
    return f"{name} {typed_operator(one)} {value}"


@unmeasured
@pytest.mark.parametrize(("command", "name", "one"), CASES)
def test_what_is_selected_is_what_is_meant(box, whole, command, name, one):
    type_ = KNOWN[command]
    kind, key = type_.field(name).type, type_.key[-1]
    every = whole(command, name, key)
    found = [names_of(row[name], kind) for row in every]
    there = sorted({each for names in found for each in names})
    wanted, other = there[len(there) // 2], there[-1]
    text = expression(name, one, wanted, other, kind)
    tree = Filter((text,)).tree(type_, lambda: pytest.fail("the time was asked for"))

    test = meant(one, wanted, other)
    expected = [row for row, names in zip(every, found, strict=True) if test(names)]
    assert rows(box, command, MONTH, fields=[name, key], filter=tree) == expected
    assert expected or one in {"is_null", "!=", "not_in", "not_overlap", "not_like", "not_ilike"}


def test_every_operator_is_tried_on_every_type():
    tried = {(KNOWN[command].field(name).type, one) for command, name, one in CASES}
    assert tried == {(kind, one) for kind, (_, allowed) in KINDS.items() for one in allowed}


DATES = [
    ("communication_date_time", "2026-09-20"),
    ("communication_date_time", "2026-09-20 12:30"),
    ("visit_date", "2026-09-20"),
]


@pytest.mark.parametrize(("name", "date"), DATES)
@pytest.mark.parametrize("one", ["=", "!=", "<", ">", "<=", ">=", "in", "not in"])
def test_a_date_names_all_of_its_day_or_minute(box, whole, name, date, one):
    every = whole("communications", name, "communication_id")
    value = f"({date}, 2026-09-25)" if "in" in one else date
    tree = Filter((f"{name} {one} {value}",)).tree(KNOWN["communications"], datetime.now)
    width = len(date)
    signs = {
        "=": lambda text: text[:width] == date,
        "!=": lambda text: text[:width] != date,
        "in": lambda text: text[:width] == date or text[:10] == "2026-09-25",
        "not in": lambda text: text[:width] != date and text[:10] != "2026-09-25",
    }
    test = signs.get(one) or (lambda text: ORDER[one](text[:width], date))
    expected = [row for row in every if row[name] is not None and test(row[name])]
    found = rows(box, "communications", MONTH, fields=[name, "communication_id"], filter=tree)
    assert found == expected
    assert expected or width > 10
