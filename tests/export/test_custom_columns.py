from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path

import pytest
from program import DAYS, Watched

from comagic_cli.sandbox.quirks import Fault

CALLS = ["calls", *DAYS, "--report-id", 1002]
TREE, ROWS = "getobj.columns_tree", "get.calls"
OWN = ("cc_17", "cc_18", "rank")
Account = partial(Watched, rows=20, columns=OWN)
DRY = "A dry run does not ask for the account's own columns"


def header(ran):
    assert (ran.code, ran.err) == (0, "")
    return ran.out.partition("\n")[0]


def age(seconds):
    """Let what is remembered of columns be so much older."""
    for path in Path(os.environ["XDG_CACHE_HOME"], "comagic").iterdir():
        told = path.stat().st_mtime - seconds
        os.utime(path, (told, told))


def test_columns_are_asked_for_only_where_the_catalogue_lacks_a_field(comagic):
    with Account() as box:
        known = ["--fields", "@all,-tags", "--sort", "call_talk_duration"]
        assert comagic(*CALLS, *known, box=box).code == 0
        assert box.methods == [ROWS]


@pytest.mark.parametrize(
    ("typed", "columns"),
    [
        (["--fields", "communication_id,cc_18"], "communication_id,cc_18"),
        (["--fields", "rank,@custom"], "rank,cc_17,cc_18"),
        (["--fields=communication_id,@custom,-cc_18"], "communication_id,cc_17,rank"),
        (["--fields", "communication_id", "--sort", "cc_17:desc"], "communication_id"),
        (["--fields", "communication_id", "--where", "cc_17 is null"], "communication_id"),
    ],
)
def test_columns_of_the_account_are_asked_for_once(comagic, typed, columns):
    with Account() as box:
        for _ in range(2):
            assert header(comagic(*CALLS, *typed, "-f", "csv", box=box)) == columns
        assert box.methods == [TREE, ROWS, ROWS]
        assert box.journal[0].params["report_type"] == "calls"


def test_what_is_remembered_is_of_one_account_and_report_and_day(comagic):
    with Account() as box, Account() as other:
        own = ["--fields", "cc_17"]
        chats = ["chats", *DAYS, "--report-id", 1003, *own]
        for line in ([*CALLS, *own], chats, [*CALLS, *own], [*CALLS, *own, "--user-id", 3]):
            assert comagic(*line, box=box).code == 0
        assert box.methods == [TREE, ROWS, TREE, "get.chats", ROWS, TREE, ROWS]
        assert comagic(*CALLS, *own, box=other).code == 0
        age(86_000)
        assert comagic(*CALLS, *own, box=other).code == 0
        age(500)
        assert comagic(*CALLS, *own, box=other).code == 0
        assert other.methods == [TREE, ROWS, ROWS, TREE, ROWS]


@pytest.mark.parametrize("text", ["{", "[5]", ""])
def test_what_is_remembered_but_damaged_is_asked_again(comagic, tmp_path, text):
    with Account() as box:
        line = [*CALLS, "--fields", "cc_17"]
        assert comagic(*line, box=box).code == 0
        for path in (tmp_path / "cache" / "comagic").glob("columns-*"):
            path.write_text(text)
        assert comagic(*line, box=box).code == 0
        assert box.methods == [TREE, ROWS, TREE, ROWS]


@pytest.mark.parametrize("name", ["cc\n17", "\x1b[31m"])
def test_nothing_is_asked_for_what_can_be_no_name(comagic, name):
    with Account() as box:
        ran = comagic(*CALLS, "--fields", name, box=box)
        assert (ran.code, box.methods) == (2, [])
    assert ran.err.startswith(f"comagic: --fields: calls has no field {name!r}\n")


def test_a_field_that_neither_the_catalogue_nor_the_account_has(comagic):
    with Account() as box:
        for option in ("--fields", "--sort"):
            ran = comagic(*CALLS, option, "cc_71", box=box)
            assert (ran.code, ran.out) == (2, "")
            assert ran.err == (
                f"comagic: {option}: calls has no field 'cc_71'\n"
                "  Did you mean cc_17 or cc_18?\n"
            )  # fmt: skip
        assert box.methods == [TREE]


def test_a_column_may_be_new_where_what_is_remembered_is_not_fresh(comagic):
    with Account() as box:
        line = [*CALLS, "--fields", "cc_19"]
        assert comagic(*line, box=box).code == 2
        age(500)
        assert comagic(*line, box=box).code == 2
        assert box.methods == [TREE]
        age(101)
        assert comagic(*line, box=box).code == 2
        assert box.methods == [TREE, TREE]


@pytest.mark.parametrize("mnemonic", ["forbidden", "method_not_found"])
def test_an_account_that_does_not_tell_is_trusted_for_custom_columns(comagic, mnemonic):
    with Account(faults=(Fault(mnemonic, every=1, method=TREE),)) as box:
        line = [*CALLS, "--fields", "cc_17,cc_18", "-f", "csv"]
        assert header(comagic(*line, box=box)) == "cc_17,cc_18"
        said = comagic(*line, "-v", box=box).err
        assert "The account does not tell its own columns (getobj.columns_tree: " in said
        assert "): cc_18 is taken for one.\n" in said
        ran = comagic(*CALLS, "--fields", "rank", box=box)
        assert (ran.code, ran.out) == (2, "")
        assert "calls has no field 'rank'\n  " in ran.err
        assert "The account does not tell its own columns (getobj.columns_tree: " in ran.err


def test_no_key_is_told_as_ever(comagic):
    ran = comagic(*CALLS, "--fields", "cc_17")
    assert (ran.code, ran.err.partition("\n")[0]) == (
        2,
        "comagic: there is no token for the account",
    )


def test_a_private_sandbox_has_no_columns_of_its_own(comagic):
    ran = comagic("calls", *DAYS, "--sandbox", "--fields", "cc_17")
    assert (ran.code, ran.err) == (
        2,
        "comagic: --fields: calls has no field 'cc_17'\n  See comagic fields calls.\n",
    )


# A dry run


@pytest.mark.parametrize("more", [{}, {"COMAGIC_TOKEN": "key"}])
def test_a_dry_run_takes_the_names_of_custom_columns_for_such(comagic, more):
    ran = comagic(*CALLS, "--fields", "cc_17,cc_18", "--dry-run", **more)
    assert json.loads(ran.out)["params"]["fields"][:2] == ["cc_17", "cc_18"]
    assert ran.err.startswith(f"{DRY}: cc_17 is taken for one.\n{DRY}: cc_18 is taken for one.\n")
    assert comagic(*CALLS, "--fields", "cc_17", "--dry-run", "-q", **more).err == ""


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("rank", "calls has no field 'rank'\n  See comagic fields calls."),
        ("cc_17,@custom", "it is not known which columns are @custom\n  Name them: cc_17."),
    ],
)
@pytest.mark.parametrize("place", [[], ["--sandbox"]])
def test_a_dry_run_refuses_what_it_cannot_know(comagic, place, typed, message):
    ran = comagic(*CALLS, *place, "--fields", typed, "--dry-run", "-q")
    assert (ran.code, ran.out, ran.err) == (2, "", f"comagic: --fields: {message} {DRY}.\n")


def test_a_dry_run_uses_what_is_remembered_and_sends_nothing(comagic):
    with Account() as box:
        assert comagic(*CALLS, "--fields", "cc_17", box=box).code == 0
        calls = box.methods
        ran = comagic(*CALLS, "--fields", "@custom,rank", "--dry-run", box=box)
        assert json.loads(ran.out)["params"]["fields"][:3] == ["cc_17", "cc_18", "rank"]
        assert "is taken for one" not in ran.err
        assert box.methods == calls


# Dimensions: the account filters by them, but has no such column


DIMENSIONS = "get.report_filters"


def as_json(tmp_path, tree):
    path = tmp_path / "filter.json"
    path.write_text(json.dumps(tree))
    return path


IS_SET = {"field": "cd_5", "operator": "is_not_null"}


@pytest.mark.parametrize("way", ["--where", "--filter-json", "--as-saved"])
def test_a_dimension_can_be_filtered_by(comagic, tmp_path, way):
    typed = {
        "--where": ["--where", "cd_5 is not null"],
        "--filter-json": ["--filter-json", as_json(tmp_path, IS_SET)],
        "--as-saved": ["--as-saved"],
    }[way]
    with Watched(rows=20, dimensions=("cd_5",), report_state={"filter": IS_SET}) as box:
        asked = [*CALLS, "--fields", "communication_id", *typed]
        for _ in range(2):
            ran = comagic(*asked, box=box)
            assert (ran.code, ran.err) == (0, "")
        filters = [page.params["filter"] for page in box.pages]
        methods = [name for name in box.methods if name != "getobj.report_state"]
    assert filters == [IS_SET, IS_SET]
    assert methods == [TREE, DIMENSIONS, ROWS, ROWS]


def test_a_dimension_is_not_a_column(comagic):
    with Watched(rows=20, dimensions=("cd_5",)) as box:
        ran = comagic(*CALLS, "--fields", "cd_5", box=box)
        assert (ran.code, box.methods) == (2, [TREE])
        assert ran.err.startswith("comagic: --fields: calls has no field 'cd_5'\n")


def test_dimensions_are_offered_by_filters(comagic):
    with Watched(rows=20, dimensions=("cd_5",)) as box:
        ran = comagic("filters", "calls", "cd_5", "-f", "jsonl", box=box)
    assert (ran.code, json.loads(ran.out)["custom"]) == (0, True)


def test_an_account_that_does_not_tell_its_dimensions_is_trusted(comagic):
    refusal = Fault("forbidden", every=1, method=DIMENSIONS)
    with Account(faults=(refusal,)) as box:
        where = ["--where", "cd_5 = 1", "--fields", "cc_17"]
        comagic(*CALLS, *where, box=box)
        assert box.pages[0].params["filter"]["field"] == "cd_5"


# Going on with an export


def test_another_type_of_a_column_is_another_request(comagic, tmp_path):
    file, part = tmp_path / "{month}.csv", ["--fields", "cc_17", "--from", "2024-09-01"]
    line = ["calls", *part, "--till", "2024-09-30", "--report-id", 1002, "-o", file]
    with Account() as box:
        assert comagic(*line, box=box).code == 0
        for path in (tmp_path / "cache" / "comagic").glob("columns-*"):
            path.write_text('[{"id":"cc_17","data_type":"integer"}]')
        ran = comagic(*line, box=box)
    assert ran.code == 2
    assert "types was cc_17 string and is cc_17 number" in ran.err


TITLE = "Тип звонка"


@pytest.mark.parametrize(
    "typed",
    [
        ["--fields", f"communication_id,{TITLE}"],
        ["--fields", "communication_id,call_type", "--sort", TITLE],
        ["--fields", "communication_id,call_type", "--where", f"'{TITLE}' is not null"],
        [
            "--fields",
            "communication_id,call_type",
            "--where",
            f'"{TITLE}" in (a) or call_type != a',
        ],
    ],
)
def test_titles_of_the_account_are_asked_for_once(comagic, typed):
    with Account() as box:
        for _ in range(2):
            wanted = "communication_id,call_type"
            assert header(comagic(*CALLS, *typed, "-f", "csv", box=box)) == wanted
        assert box.methods == [TREE, ROWS, ROWS]


def test_titles_of_the_cache_are_read_in_a_dry_run(comagic):
    with Account() as box:
        line = [*CALLS, "--fields", TITLE]
        refused = comagic(*line, "--dry-run", box=box)
        assert (refused.code, refused.err) == (
            2,
            (
                f"comagic: --fields: calls has no field '{TITLE}'\n"
                f"  See comagic fields calls. {DRY}.\n"
            ),
        )
        assert comagic(*line, box=box).code == 0
        ran = comagic(*line, "--dry-run", box=box)
    assert (ran.code, json.loads(ran.out)["params"]["fields"][0]) == (0, "call_type")
