"""Every exit code, and what a user is told then."""

from __future__ import annotations

import pytest
from coverage_marks import unmeasured
from program import DAYS, REPORT, SPAN, Watched, fault

from comagic_cli.errors import OutputBusy
from comagic_cli.paging.reader import Reader

PAGED = [*REPORT, "--page-size", "40"]  # 100 rows in three pages

# A fault of the second page, how it ends when it passes, and when it stays.
FAULTS = [
    ("reset", 0, 6, "get.communications"),
    ("truncate", 0, 6, "get.communications"),
    ("stall", 0, 6, "get.communications"),
    ("slow", 0, 6, "get.communications"),
    ("empty", 0, 6, "get.communications"),
    ("html", 0, 6, "get.communications"),
    ("gzip_damaged", 0, 6, "get.communications"),
    ("cut_json", 0, 6, "get.communications"),
    ("500", 0, 6, "HTTP 500"),
    ("502", 0, 6, "HTTP 502"),
    ("503", 0, 6, "HTTP 503"),
    ("504", 0, 6, "HTTP 504"),
    ("429", 0, 6, "HTTP 429"),
    ("408", 0, 6, "HTTP 408"),
    ("internal_error", 0, 6, "internal_error"),
    ("redirect", 6, 6, "get.communications"),
    ("wrong_id", 6, 6, "get.communications"),
    ("400", 6, 6, "HTTP 400"),
    ("404", 6, 6, "HTTP 404"),
    ("413", 6, 6, "HTTP 413"),
    ("401", 4, 4, "HTTP 401"),
    ("403", 4, 4, "HTTP 403"),
    ("access_token_expired", 4, 4, "COMAGIC_TOKEN or --token-file"),
    ("access_token_invalid", 4, 4, "COMAGIC_TOKEN or --token-file"),
    ("access_token_blocked", 4, 4, "access_token_blocked"),
    ("auth_error", 4, 4, "auth_error"),
    ("ip_not_whitelisted", 4, 4, "to the allowed addresses"),
    ("forbidden", 4, 4, "forbidden"),
    ("method_component_disabled", 4, 4, "method_component_disabled"),
    ("parameter_component_disabled", 4, 4, "parameter_component_disabled"),
    ("account_inactive", 4, 4, "account_inactive"),
    ("required_parameter_missed", 5, 5, "required_parameter_missed"),
    ("invalid_parameter_value", 5, 5, "invalid_parameter_value"),
    ("unexpected_parameters", 0, 5, "unexpected_parameters"),
    ("invalid_parameters_combination", 5, 5, "invalid_parameters_combination"),
    ("data_type_error", 5, 5, "data_type_error"),
    ("sort_prohibited", 0, 5, "sort_prohibited"),
    ("filter_prohibited", 5, 5, "filter_prohibited"),
    ("method_not_found", 5, 5, "method_not_found"),
    ("parse_error", 5, 5, "parse_error"),
    ("invalid_request", 5, 5, "invalid_request"),
    ("error", 5, 5, "(error)"),
]
SLOW = {"stall": 30.0, "slow": 30.0}


LEFT = (".rows.jsonl.part", ".rows.jsonl.checkpoint")


def export(comagic, tmp_path, faults, *more, **quirks):
    retry_policy = "0.5" if any(one.seconds for one in faults if one.kind in SLOW) else "30"
    with Watched(faults=faults, **quirks) as box:
        expected = box.truth("communications", *SPAN, fields=["communication_id"])
        target = tmp_path / "rows.jsonl"
        target.write_text("old\n")
        ran = comagic(*PAGED, "--timeout", retry_policy, "-o", target, *more, box=box)
    rows = target.read_text()
    kept = [path.exists() for path in map(tmp_path.joinpath, LEFT)]
    assert kept[0] == kept[1] == ("--resume" in ran.err)
    return ran, "old" if rows == "old\n" else rows.count("\n") == len(expected)


def check_told(ran, words):
    """Hold an error to its form: one or two lines, the second a next step."""
    told = ran.err.splitlines()
    assert 1 <= len(told) <= 2
    assert told[0].startswith("comagic: ")
    assert all(line.startswith("  ") for line in told[1:])
    assert words in ran.err
    assert "Traceback" not in ran.err


@unmeasured
@pytest.mark.parametrize(("kind", "code", "_later", "words"), FAULTS)
def test_a_fault_that_passes(comagic, tmp_path, kind, code, _later, words):
    ran, rows = export(comagic, tmp_path, fault(kind, 2, seconds=SLOW.get(kind, 0.0)))
    assert (ran.code, ran.out, rows) == (code, "", "old" if code else True)
    if code:
        check_told(ran, words)
    else:
        assert ran.err == ""


@unmeasured
@pytest.mark.parametrize(("kind", "_once", "code", "words"), FAULTS)
def test_a_fault_that_stays(comagic, tmp_path, kind, _once, code, words):
    ran, rows = export(comagic, tmp_path, fault(kind, seconds=SLOW.get(kind, 0.0)))
    assert (ran.code, ran.out, rows) == (code, "", "old")
    check_told(ran, words)


def test_a_fault_that_stays_is_tried_five_times(comagic, tmp_path):
    ran, _ = export(comagic, tmp_path, fault("503", retry_after=40))
    assert (ran.code, comagic.pauses) == (6, [40.0] * 4)


def test_no_longer_is_waited_than_told(comagic, tmp_path):
    ran, _ = export(comagic, tmp_path, fault("503", retry_after=40), "--max-wait", "30")
    assert (ran.code, comagic.pauses) == (6, [])


@pytest.mark.parametrize("detail", ["minute", "day"])
def test_out_of_points(comagic, tmp_path, detail):
    faults = fault("limit_exceeded", seconds=4000, detail=detail)
    ran, rows = export(comagic, tmp_path, faults)
    assert (ran.code, rows) == (7, "old")
    check_told(ran, "out of points")


@pytest.mark.parametrize("detail", ["minute", "day"])
def test_out_of_points_midway(comagic, tmp_path, detail):
    ran, rows = export(comagic, tmp_path, fault("limit_exceeded", 2, detail=detail))
    assert (ran.code, rows) in {(0, True), (7, "old")}


def test_missing_rows_leave_what_there_is_beside_the_old_file(comagic, tmp_path):
    ran, rows = export(comagic, tmp_path, (), total_items="three_more")
    assert (ran.code, rows) == (3, "old")
    assert (tmp_path / "rows.jsonl.incomplete").read_text().count("\n") == 100
    check_told(ran, "3 of ")


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyError("sandbox-token"), 1, "this is a bug of comagic: KeyError at test_exits.py:"),
        (RecursionError(), 1, "this is a bug of comagic: RecursionError at test_exits.py:"),
        (OSError(5, "Input/output error"), 8, "Input/output error"),
        (OutputBusy("another run writes it"), 9, "another run writes it"),
    ],
)
def test_what_was_not_foreseen(comagic, tmp_path, monkeypatch, error, code, words):
    def fail(*_):
        raise error

    monkeypatch.setattr(Reader, "pages", fail)
    ran, rows = export(comagic, tmp_path, ())
    assert (ran.code, rows) == (code, "old")
    check_told(ran, words)


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (BrokenPipeError(32, "Broken pipe"), 141)]
)
def test_what_needs_no_words(comagic, tmp_path, monkeypatch, error, code):
    def fail(*_):
        raise error

    monkeypatch.setattr(Reader, "pages", fail)
    ran, rows = export(comagic, tmp_path, ())
    assert (ran.code, ran.err, rows) == (code, "", "old")


# Usage

MISTAKES = """
    --fo csv                  | No such option '--fo'. Did you mean --format or --from?
    --token=secret            | No such option '--token'
    extra                     | Got unexpected extra argument (extra)
    --from                    | Option '--from' requires an argument
    --format xml              | 'xml' is not a format of this command. Formats: table, csv
    --max-rows 0              | Invalid value for '--max-rows': '0': it must be a whole number
    --max-rows 1e3            | '1e3': it must be a whole number, 1 or more.
    --page-size 10001         | '10001': it must be a whole number, from 1 to 10000.
    --page-size ٣             | '٣': it must be a whole number, from 1 to 10000.
    --report-id abc           | no report of the type communications is named 'abc'
    --report-id -1            | no report of the type communications is named '-1'
    --user-id 0               | '0' is neither a user id nor all. comagic users lists the ids.
    --timeout 0               | '0' is too short
    --timeout 1d              | '1d' is not a duration: write 90, 90s, 5m or 2h.
    --max-wait -1             | '-1' is not a duration
    --from -7x                | --from '-7x': not a date
    --from yesteday           | Did you mean yesterday?
    --period last             | --period
    --period 7d --from -7d    | --period
    --fields sit_name         | Did you mean site_name
    --fields @utn             | there is no group @utn
    --sort tags:up            | Write FIELD, FIELD:asc or FIELD:desc.
    --sort nothing_like_it    | has no field
    --base-url ftp://x        | --base-url: 'ftp://x' is not a URL
    --base-url http://x.ru    | would send the token unencrypted
    --tz Mars/Base            | there is no time zone 'Mars/Base'
    -o rows.pdf               | Choose a format with -f
    --token-file /no/where    | --token-file: /no/where can't be read
"""


@pytest.mark.parametrize(
    ("words", "told"),
    [[part.strip() for part in line.split("|")] for line in MISTAKES.strip().splitlines()],
)
def test_a_mistake_is_told_before_any_row_is_asked_for(comagic, words, told):
    with Watched(rows=1) as box:
        ran = comagic("communications", *words.split(), box=box)
        assert (ran.code, ran.out, box.pages) == (2, "", [])
    check_told(ran, told)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["communicatons"], "Did you mean communications"),
        (["wrong"], "No such command 'wrong'"),
        (["--wrong"], "No such option '--wrong'"),
        (["completion", "tcsh"], "'tcsh' is not one of 'bash', 'zsh', 'fish'"),
        (["sandbox", "--port", "70000"], "'70000': it must be a whole number, from 1 to 65535"),
        (["communications", "--fields", "\x1b[31m\nред"], "has no field"),
    ],
)
def test_other_mistakes(comagic, words, told):
    ran = comagic(*words)
    assert (ran.code, ran.out) == (2, "")
    check_told(ran, told)


def test_no_command_is_answered_with_the_help(comagic):
    ran = comagic()
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == comagic("--help").out


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_key_is_none(comagic, key):
    ran = comagic("communications", *DAYS, COMAGIC_TOKEN=key)
    assert (ran.code, ran.out) == (2, "")
    check_told(ran, "Type comagic login, or put the token in COMAGIC_TOKEN or a file")


@pytest.mark.parametrize("option", ["FORMAT", "FIELDS", "REPORT_ID", "USER_ID", "TZ", "TIMEOUT"])
def test_an_empty_variable_is_as_unset(comagic, option):
    with Watched(rows=1) as box:
        plain = comagic("communications", *DAYS, box=box)
        ran = comagic("communications", *DAYS, box=box, **{f"COMAGIC_{option}": ""})
    assert ran == plain
    assert ran.code == 0


def test_what_the_environment_says(comagic):
    with Watched(rows=1) as box:
        taste = {"COMAGIC_FORMAT": "csv", "COMAGIC_FIELDS": "utm_source, tags @site"}
        ran = comagic("communications", *DAYS, box=box, **taste)
        typed = comagic("communications", *DAYS, "--fields", "tags", "-f", "tsv", box=box, **taste)
        bad = comagic("communications", *DAYS, box=box, COMAGIC_REPORT_ID="first")
    assert ran.out.split("\n")[0] == "utm_source,tags,site_domain_name,site_domain_naked,site_name"
    assert typed.out.split("\n")[0] == "tags"
    check_told(bad, "no report of the type communications is named 'first'")


@pytest.mark.parametrize(
    ("name", "typed", "begins"),
    [
        ("x.json", [], "["),
        ("x.csv", [], "communication_id,"),
        ("x.tsv", ["-f", "jsonl"], "{"),
        ("x.dat", [], "communication_id\t"),
    ],
)
def test_a_files_name_says_more_than_the_environment(comagic, tmp_path, name, typed, begins):
    with Watched(rows=1) as box:
        ran = comagic(*REPORT, *typed, "-o", tmp_path / name, box=box, COMAGIC_FORMAT="tsv")
    assert ran.code == 0
    assert (tmp_path / name).read_text().startswith(begins)


def test_the_key_from_a_file(comagic, tmp_path):
    key = tmp_path / "key"
    key.write_text("sandbox-token\n")
    key.chmod(0o600)
    with Watched(rows=1) as box:
        options = [*REPORT, "--base-url", box.url]
        assert comagic(*options, "--token-file", key).code == 0
        assert comagic(*options, COMAGIC_TOKEN_FILE=str(key)).code == 0
        key.chmod(0o644)
        ran = comagic(*options, "--token-file", key)
    assert (ran.code, ran.err) == (
        0,
        f"--token-file: {key} can be read by other users. If it is yours: chmod 600 {key}\n",
    )
