from __future__ import annotations

from collections import Counter

import pytest

from comagic_cli.query.catalog import ANY, about, descriptions, reports

FIELDS = [(report.command, field.name) for report in reports() for field in report.known]


def test_every_field_is_described_in_a_few_words():
    for command, name in FIELDS:
        text = about(command, name)
        assert 3 <= len(text.split()) <= 10, (command, name, text)
        assert text[0].isupper(), text
        assert text.isascii(), text
        assert not text.endswith("."), text


def test_nothing_is_described_that_there_is_not():
    told = {(report, name) for report, texts in descriptions().items() for name in texts}
    assert {(report, name) for report, name in told if report != ANY} <= set(FIELDS)
    assert {name for report, name in told if report == ANY} == {name for _, name in FIELDS}


def test_a_description_says_more_than_the_name():
    for command, name in FIELDS:
        assert about(command, name).lower() != name.replace("_", " ")


def test_a_report_says_of_a_field_only_what_is_special_there():
    special = {report: texts for report, texts in descriptions().items() if report != ANY}
    for texts in special.values():
        assert not {name for name, text in texts.items() if descriptions()[ANY][name] == text}


def test_no_two_fields_of_a_report_are_described_alike():
    for report in reports():
        texts = Counter(about(report.command, field.name) for field in report.known)
        assert [text for text, times in texts.items() if times > 1] == []


@pytest.mark.parametrize(
    ("command", "name", "text"),
    [
        ("communications", "yclid", "Click id of Yandex (yclid)"),
        ("calls", "communication_id", "Id of the call, unique among calls"),
        ("leads", "communication_id", "Id of the communication the lead came from"),
        ("person-details", "deal_revenue", "Revenue of all the person's deals"),
        ("deals", "deal_revenue", "Revenue of the deal"),
        ("calls", "cc_17", ""),
        ("nothing", "cc_17", ""),
    ],
)
def test_what_a_field_is(command, name, text):
    assert about(command, name) == text
