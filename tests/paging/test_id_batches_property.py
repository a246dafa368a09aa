"""Any ids, of any service that refuses or passes over too many: every row comes once, in order."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from comagic_cli.errors import Refused
from comagic_cli.paging.id_batches import IdBatchReader
from comagic_cli.query.catalog import report
from comagic_cli.query.period import Period
from comagic_cli.query.query import Query
from comagic_cli.rows.page import Answer

DAY = Period(datetime(2026, 10, 1), datetime(2026, 10, 2))  # noqa: DTZ001 - as everywhere


class Persons:
    """A service that knows some persons, and takes so many ids a call."""

    def __init__(self, known, most, *, refuses) -> None:
        self.known, self.most, self.refuses, self.calls = known, most, refuses, 0

    def asking(self, query):
        ids = query.extra["entity_ids"]

        def ask(_, offset, limit):
            self.calls += 1
            if self.refuses and len(ids) > self.most:
                raise Refused("too many entity_ids", mnemonic="invalid_parameter_value")
            found = sorted(str(id_) for id_ in ids[: self.most] if id_ in self.known)
            rows = [{"person_id": id_} for id_ in found[offset : offset + limit]]
            return Answer(json.dumps(rows).encode(), len(found))

        return ask


@settings(max_examples=30)
@given(
    ids=st.lists(st.integers(1, 260), unique=True, max_size=220),
    known=st.sets(st.integers(1, 260)),
    most=st.integers(1, 130),
    refuses=st.booleans(),
    page_size=st.sampled_from([30, 10_000]),
)
def test_every_known_id_brings_its_row_once(ids, known, most, refuses, page_size):
    # where ids are passed over, a lot of which none is known looks like one that is done with
    known = known if refuses else set(ids)
    persons = Persons(known, most, refuses=refuses)
    query = Query(report("person-details"), 1, DAY, ("person_id",), extra={"entity_ids": ids})
    pager = IdBatchReader(replace(query, page_size=page_size), persons.asking)
    rows = [json.loads(bytes(row))["person_id"] for page in pager.pages() for row in page.rows]
    expected = [id_ for id_ in ids if id_ in known]
    assert sorted(rows) == sorted(map(str, expected))
    assert pager.unfound == len(ids) - len(expected)


@settings(max_examples=30)
@given(
    ids=st.lists(st.integers(1, 260), unique=True, max_size=220),
    known=st.sets(st.integers(1, 260)),
    most=st.integers(1, 130),
)
def test_the_asking_ends_whatever_is_passed_over(ids, known, most):
    persons = Persons(known, most, refuses=False)
    query = Query(report("person-details"), 1, DAY, ("person_id",), extra={"entity_ids": ids})
    pager = IdBatchReader(query, persons.asking)
    rows = [json.loads(bytes(row))["person_id"] for page in pager.pages() for row in page.rows]
    assert len(set(rows)) == len(rows)
    assert persons.calls <= len(ids) + 1
