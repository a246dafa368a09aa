"""Lots of ids: how many at once, what a refusal means, and every row once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from program import DAYS, PATIENCE, Fault, Watched, environment, start, without_checks
from terminals import Terminal

from comagic_cli.errors import Refused
from comagic_cli.paging.id_batches import is_about_ids

DETAILS = ["call-details", *DAYS, "--fields", "communication_id"]
PERSONS = ["person-details", *DAYS, "--fields", "person_id"]


@pytest.fixture(scope="module")
def box():
    with Watched(rows=600) as box:
        yield box


@pytest.fixture(scope="module")
def calls(box):
    rows = box.truth("call-details", "2024-10-01 00:00:00", "2024-10-05 23:59:59")
    return [row["communication_id"] for row in rows][:250]


def export(comagic, box, ids, *more, asked=DETAILS):
    box.journal.clear()
    ran = comagic(*asked, "--ids", ",".join(map(str, ids)), *more, box=box)
    return ran, [next(iter(json.loads(line).values())) for line in ran.out.splitlines()]


def lots(box):
    return [
        len(call.params["entity_ids"])
        for call in without_checks(box.journal)
        if "fields" in call.params
    ]


def test_ids_are_asked_for_a_hundred_at_once(comagic, box, calls):
    ran, rows = export(comagic, box, calls)
    assert (ran.code, ran.err, rows) == (0, "", calls)
    assert lots(box) == [100, 100, 50]


def test_rows_come_lot_after_lot_in_the_order_of_the_ids(comagic, box, calls):
    asked = calls[100:250] + calls[:100]
    ran, rows = export(comagic, box, asked)
    assert ran.code == 0
    assert rows == calls[100:200] + calls[:50] + calls[200:250] + calls[50:100]


def test_an_id_typed_twice_is_asked_for_once(comagic, box, calls):
    ran, rows = export(comagic, box, [*calls[:3], *calls[:2]])
    assert (ran.code, rows, lots(box)) == (0, calls[:3], [3])


@pytest.mark.parametrize(
    ("ids", "more", "said"),
    [
        ([1, 2], [], "comagic: 2 ids have no row in this period: 1, 2\n"),
        ([1], [], "comagic: 1 id has no row in this period: 1\n"),
        ([1], ["-q"], ""),
    ],
)
def test_ids_without_a_row_are_named(comagic, box, calls, ids, more, said):
    ran, rows = export(comagic, box, [*ids, calls[0]], *more)
    assert (ran.code, ran.err, rows) == (0, said, calls[:1])


class Mistaken(Watched):
    """A sandbox that answers another id in place of some."""

    instead: dict[int, int]

    def answer(self, body, headers):
        call = json.loads(body)
        if ids := call["params"].get("entity_ids"):
            call["params"]["entity_ids"] = [self.instead.get(id_, id_) for id_ in ids]
        return super().answer(json.dumps(call).encode(), headers)


@pytest.mark.parametrize("quiet", [[], ["-q"]])
@pytest.mark.parametrize(
    ("count", "told"),
    [
        (1, "1 row has an id that was not asked for: {}"),
        (3, "3 rows have ids that were not asked for: {}"),
        (7, "7 rows have ids that were not asked for: {} and 2 more"),
    ],
)
def test_rows_of_other_ids_and_ids_without_a_row_are_named(comagic, calls, count, told, quiet):
    other = calls[20 : 20 + count]
    with Mistaken(rows=600) as box:
        box.instead = dict(zip(calls[:count], other, strict=True))
        ran, rows = export(comagic, box, calls[:10], *quiet)
    listed = [", ".join(map(str, ids[:5])) for ids in (sorted(other), calls[:count])]
    verb = "id has" if count == 1 else "ids have"
    missing = f"{count} {verb} no row in this period: {listed[1]}"
    assert (ran.code, sorted(rows)) == (0, sorted([*other, *calls[count:10]]))
    assert told.format(listed[0]) in ran.err
    assert (missing in ran.err) is not bool(quiet)


class Passing(Watched):
    """A sandbox that answers the first ids of a call, and says nothing of the others."""

    most = 30

    def answer(self, body, headers):
        call = json.loads(body)
        if "entity_ids" in call["params"]:
            call["params"]["entity_ids"] = call["params"]["entity_ids"][: self.most]
        return super().answer(json.dumps(call).encode(), headers)


@pytest.mark.parametrize("most", [1, 30, 99])
def test_ids_that_are_passed_over_are_asked_for_again(comagic, calls, most):
    with Passing(rows=600) as box:
        box.most = most
        ran, rows = export(comagic, box, calls)
        assert (ran.code, ran.err, rows) == (0, "", calls)
        count = len(lots(box))
    assert count == -(-len(calls) // most)


def test_a_sort_that_ids_passed_over_would_break_is_refused(comagic, calls):
    with Passing(rows=600) as box:
        ran, rows = export(comagic, box, calls[:90], "--sort", "communication_id")
    assert (ran.code, rows) == (2, sorted(calls[:30]))
    assert "ids are asked for 30 at once" in ran.err


@pytest.mark.parametrize(
    ("place", "sizes"),
    [(0, [100, 100, 51]), (99, [100, 100, 52]), (250, [100, 100, 51, 1])],
)
def test_an_id_without_a_row_costs_a_call_where_it_is_the_very_last(
    comagic, box, calls, place, sizes
):
    ran, rows = export(comagic, box, [*calls[:place], 1, *calls[place:]])
    assert (ran.code, rows, lots(box)) == (0, calls, sizes)


def test_no_ids_are_no_rows_and_no_call_for_rows(comagic, box, tmp_path):
    (tmp_path / "none").write_text("# nothing today\n")
    box.journal.clear()
    ran = comagic(*DETAILS, "-f", "csv", "--ids", tmp_path / "none", box=box)
    assert (ran.code, ran.out, lots(box)) == (0, "communication_id\n", [])


def test_max_rows_ends_the_asking(comagic, box, calls):
    ran, rows = export(comagic, box, calls, "--max-rows", 120)
    assert (ran.code, rows, lots(box)) == (0, calls[:120], [100, 100])


@pytest.mark.parametrize(
    ("most", "sizes"),
    [
        (1000, [100, 100, 50]),
        (50, [100, 50, 50, 50, 50, 50]),
        (30, [100, 50, *[25] * 10]),
        (1, [100, 50, 25, 12, 6, 3, *[1] * 250]),
    ],
)
def test_a_lot_that_is_refused_is_halved_and_so_are_those_after_it(comagic, calls, most, sizes):
    with Watched(rows=600, max_entity_ids=most) as box:
        ran, rows = export(comagic, box, calls)
        assert (ran.code, ran.err, rows) == (0, "", calls)
        assert lots(box) == sizes


@pytest.mark.parametrize("data", ["missing", "empty", "absent"])
def test_a_refusal_that_says_little_is_understood_by_its_message(comagic, calls, data):
    with Watched(rows=600, max_entity_ids=30, error_data=data) as box:
        ran, rows = export(comagic, box, calls)
        assert (ran.code, rows, lots(box)) == (0, calls, [100, 50, *[25] * 10])


def test_an_id_that_is_refused_alone_is_named(comagic, calls):
    with Watched(rows=600, max_entity_ids=0) as box:
        ran, rows = export(comagic, box, calls[:8])
        assert (ran.code, rows, lots(box)) == (5, [], [8, 4, 2, 1])
    assert f"comagic: the id {calls[0]} is refused: get.call_details" in ran.err
    assert "Leave it out of the ids." in ran.err


@pytest.mark.parametrize(
    ("kind", "code"), [("filter_prohibited", 5), ("forbidden", 4), ("method_not_found", 5)]
)
def test_a_refusal_of_something_else_is_not_asked_again(comagic, calls, kind, code):
    faults = (Fault(kind, every=1, method="get.call_details"),)
    with Watched(rows=600, faults=faults) as box:
        ran, rows = export(comagic, box, calls)
        assert (ran.code, rows, lots(box)) == (code, [], [100])


def test_a_vague_refusal_that_stays_is_shown_as_it_came(comagic, calls):
    faults = (Fault("error", every=1, method="get.call_details"),)
    with Watched(rows=600, faults=faults) as box:
        ran, rows = export(comagic, box, calls)
        assert (ran.code, rows, lots(box)) == (5, [], [100, 50, 25, 12, 6, 3, 1])
    assert ran.err.startswith("comagic: get.call_details: the API refused the request (error)")


def test_a_refusal_in_the_midst_of_a_lot_is_not_about_its_ids(comagic, calls):
    faults = (Fault("error", at=(2,), method="get.call_details"),)
    with Watched(rows=600, faults=faults) as box:
        ran, _ = export(comagic, box, calls, "--page-size", 20)
        assert (ran.code, lots(box)) == (5, [100, 100])


def test_pages_and_windows_of_a_lot_lose_and_double_nothing(comagic, calls):
    with Watched(rows=600, short_pages=9, max_days=2, total_items="absent") as box:
        ran, rows = export(comagic, box, calls, "--page-size", 20)
    assert (ran.code, sorted(rows)) == (0, sorted(calls))


def test_two_ids_of_one_row_bring_it_once(comagic):
    data = {"person-details": [{"person_id": "7"}, {"person_id": "07"}]}
    with Watched(data=data) as box:
        ran, rows = export(comagic, box, [7, *range(100, 199), 8], asked=PERSONS)
    assert (ran.code, rows) == (0, ["7"])


class Overstating(Watched):
    """A sandbox that says of a whole lot that two more rows match."""

    def answer(self, body, headers):
        answer = super().answer(body, headers)
        return replace(answer, body=answer.body.replace(b'_items":100', b'_items":102'))


def test_rows_missing_in_a_lot_do_not_stop_the_others(comagic, calls):
    with Overstating(rows=600) as box:
        ran, rows = export(comagic, box, calls)
    assert (ran.code, rows) == (3, calls)
    assert "rows are missing: 2 of 102 rows" in ran.err


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--sort", "communication_id"], "--sort: 250 ids are asked for 100 at once"),
        (["--resume", "-o", "x.csv"], "--resume: rows of call-details come by the ids asked for"),
        (["-o", "x-{date}.csv"], "call-details can't be used with x-{date}.csv"),
    ],
)
def test_what_does_not_go_with_lots_is_refused_before_a_call(comagic, box, calls, more, message):
    ran, rows = export(comagic, box, calls, *more)
    assert (ran.code, rows, lots(box)) == (2, [], [])
    assert ran.err.startswith(f"comagic: {message}")


def test_a_sort_holds_in_one_lot(comagic, box, calls):
    ran, rows = export(comagic, box, calls[:90], "--sort", "communication_id:desc")
    assert (ran.code, rows) == (0, sorted(calls[:90], reverse=True))


def test_a_dry_run_shows_the_first_lot(comagic, box, calls):
    ran = comagic(*DETAILS, "--dry-run", "--ids", ",".join(map(str, calls)), box=box)
    assert json.loads(ran.out)["params"]["entity_ids"] == calls[:100]
    assert "ids      250, 100 per call" in ran.err


def test_a_manifest_tells_the_ids(comagic, box, calls, tmp_path):
    note = tmp_path / "note"
    ran, _ = export(comagic, box, calls[:2], "-o", tmp_path / "x.csv", "--manifest", note)
    asked = json.loads(note.read_text())["asked"]
    assert (ran.code, asked["parameters"]) == (0, {"entity_ids": calls[:2]})


def test_a_terminal_shows_ids_without_a_row(box, calls, tmp_path):
    out, err = Terminal(200), Terminal(200)
    asked = [*DETAILS, "--ids", f"{calls[0]},1"]
    process = start(asked, environment(tmp_path, box), stdout=out.end, stderr=err.end)
    shown, said = out.read(), err.read()
    assert (process.wait(PATIENCE), str(calls[0]) in shown) == (0, True)
    assert "comagic: 1 id has no row in this period: " in said


@pytest.mark.parametrize(
    ("field", "message", "mnemonic", "about"),
    [
        ("entity_ids", "", "invalid_parameter_value", True),
        ("entity_ids[3]", "", "data_type_error", True),
        ("", "entity_ids: too many", "too_many_things", True),
        ("", "no", "error", True),
        ("", "no", "invalid_parameter_value", True),
        ("", "at most 50", "data_type_error", True),
        ("", "at most 50", "invalid_request", True),
        ("", "at most 50", "array_limit_reached", True),
        ("", "no", "sort_prohibited", False),
        ("fields", "", "array_limit_reached", False),
        ("report_id", "see entity_ids", "invalid_parameter_value", False),
        ("fields", "", "error", False),
    ],
)
def test_refusals_that_may_mean_the_ids(field, message, mnemonic, about):
    assert is_about_ids(Refused(message, field=field, mnemonic=mnemonic)) is about
