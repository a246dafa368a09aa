"""The program as a process: its streams, pipes and files."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from io import StringIO

import pytest
from coverage_marks import measured
from examples import run_line
from program import COMAGIC, PATIENCE, REPORT, SPAN, TWO, Watched, environment, run, shell, start

MANY = 2500  # rows: more than a pipe holds


@pytest.fixture(scope="module")
def box():
    with Watched(rows=MANY) as served:
        yield served


@pytest.fixture
def environ(box, tmp_path):
    return environment(tmp_path, box)


def rows_of(box, *fields):
    return box.truth("communications", *SPAN, fields=fields)


# Starting


def test_help_of_a_command_starts_without_what_is_slow_to_load(environ):
    code = (
        "import sys; from comagic_cli.cli.main import main; code = main(sys.argv[1:])\n"
        "slow = {'requests', 'urllib3', 'rich'} & set(sys.modules)\n"
        "sys.exit(str(slow) if slow else code)"
    )
    command = [sys.executable, "-c", code, "communications", "--help"]
    done = subprocess.run(command, env=environ, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


def test_the_script_and_the_module_are_the_same_program(environ):
    script = os.path.join(os.path.dirname(sys.executable), "comagic")  # noqa: PTH118, PTH120
    by_script = subprocess.run([script, "--help"], env=environ, capture_output=True, check=True)
    by_module = subprocess.run([*COMAGIC, "--help"], env=environ, capture_output=True, check=True)
    assert by_script.stdout == by_module.stdout


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="only Linux has it")  # noqa: PTH110
@pytest.mark.parametrize(
    "typed", ["", "--help", "--version", "help", "help dates", "calls --help", "fields calls"]
)
def test_a_standard_output_that_is_full(environ, typed):
    with open("/dev/full", "w") as full:  # noqa: PTH123
        ran = run(typed.split(), environ, stdout=full)
    assert (ran.code, ran.err) == (
        8,
        (
            "comagic: Standard output can't be written: No space left on device.\n"
            "  Free some space on that disk, or write to another one.\n"
        ),
    )


# The reader


@pytest.mark.parametrize("form", ["table", "csv", "json"])
def test_the_reader_closes_the_pipe(environ, form):
    line = f"comagic {' '.join(REPORT)} -f {form} | head -n 1; echo ${{PIPESTATUS[0]}}"
    ran = shell(line, environ | measured())
    assert (ran.out.splitlines()[1:], ran.err) == (["141"], "")


@pytest.mark.parametrize("words", ["--help", "communications --dry-run -q"])
def test_the_reader_was_never_there(environ, words):
    ran = shell(f"comagic {words} > >(exec true; ) ; exit $?", environ)
    assert (ran.code, ran.err) in [(0, ""), (141, "")]


def test_the_reader_leaves_a_fifo(environ, tmp_path):
    fifo = f"{tmp_path}/rows"
    line = f"mkfifo {fifo}; head -n 1 {fifo} & comagic {' '.join(REPORT)} -o {fifo}"
    ran = shell(line, environ)
    assert (ran.code, ran.out.count("\n"), ran.err) == (141, 1, "")


def test_a_fifo_is_written_directly(environ, tmp_path):
    fifo = f"{tmp_path}/rows.csv"
    line = f"mkfifo {fifo}; wc -l <{fifo} & comagic {' '.join(REPORT)} -o {fifo}; wait"
    ran = shell(line, environ)
    assert (ran.code, ran.out.strip(), ran.err) == (0, str(MANY), "")


def test_jq_reads_json_lines(environ, box):
    ran = shell(f"set -o pipefail; comagic {' '.join(REPORT)} | jq .communication_id", environ)
    expected = sorted(str(row["communication_id"]) for row in rows_of(box, "communication_id"))
    assert (ran.code, sorted(ran.out.splitlines()), ran.err) == (0, expected, "")


def test_jq_reads_the_array(comagic, environ, tmp_path):
    ran = run_line(comagic, f"comagic {' '.join(REPORT)} -f json | jq length", tmp_path, **environ)
    assert (ran.code, ran.out, ran.err) == (0, f"{MANY}\n", "")


def test_csvcut_reads_csv(comagic, environ, box, tmp_path):
    asked = "--fields communication_id,communication_page_url,contact_full_name,tags,site_name"
    days = " ".join(REPORT[1:5])
    cut = "csvcut -c communication_id,contact_full_name"
    line = f"comagic communications {days} {asked} -f csv | {cut}"
    ran = run_line(comagic, line, tmp_path, **environ)
    rows = rows_of(box, "communication_id", "contact_full_name")
    names = [[str(row["communication_id"]), row["contact_full_name"] or ""] for row in rows]
    header, *read = csv.reader(StringIO(ran.out))
    assert (ran.code, ran.err) == (0, "")
    assert (header, sorted(read)) == (["communication_id", "contact_full_name"], sorted(names))


# Streams that are full or closed

WORDS = ["--help", "--version", "communications --dry-run -q", "completion bash", " ".join(REPORT)]


@pytest.mark.parametrize("words", WORDS)
def test_a_full_disk(environ, words):
    ran = shell(f"comagic {words} >/dev/full", environ)
    assert ran.code == 8
    assert ran.err.startswith("comagic: ")
    assert "No space left on device" in ran.err.splitlines()[0]
    assert len(ran.err.splitlines()) <= 2


@pytest.mark.parametrize("words", WORDS)
def test_stdout_is_closed(environ, words):
    ran = shell(f"comagic {words} >&-", environ | measured())
    assert (ran.code, ran.err) == (
        8,
        "comagic: Standard output is closed.\n  Write to a file with -o FILE.\n",
    )


def test_a_file_needs_no_standard_streams(environ, tmp_path):
    ran = shell(f"comagic {' '.join(REPORT)} -o {tmp_path}/rows.csv <&- >&- 2>&-", environ)
    assert ran.code == 0
    assert (tmp_path / "rows.csv").read_text().count("\n") == MANY + 1


NOISY = " ".join([*REPORT, "-v", "--max-rows", "1", "-f", "csv", "-o", "/dev/null"])


@pytest.mark.parametrize(
    ("errors", "words", "code", "out"),
    [
        ("2>&-", "--version", 0, "comagic, version 0.1.0\n"),
        ("2>&-", "completion", 2, ""),
        ("2>&-", NOISY, 0, ""),
        ("2>/dev/full", "communications --fo", 2, ""),
        ("2>/dev/full", NOISY, 0, ""),
        ("2> >(exec true)", "communications --fo", 2, ""),
        ("2> >(exec true)", NOISY, 0, ""),
    ],
)
def test_stderr_that_takes_nothing_changes_nothing(environ, errors, words, code, out):
    ran = shell(f"comagic {words} {errors}", environ)
    assert (ran.code, ran.out) == (code, out)


def test_a_full_disk_in_the_place_of_a_file(comagic, box):
    ran = comagic(*REPORT, "-o", "/dev/full", box=box)
    assert (ran.code, ran.out) == (8, "")
    assert ran.err.startswith("comagic: /dev/full can't be written: No space left on device.\n")


def test_a_symlink_stays_one(comagic, box, tmp_path):
    (tmp_path / "real.csv").write_text("old\n")
    (tmp_path / "link.csv").symlink_to("real.csv")
    ran = comagic(*REPORT, "-o", tmp_path / "link.csv", box=box)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text().count("\n") == MANY + 1


# Where it runs


@pytest.mark.parametrize(
    "more",
    [
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
    ],
)
def test_the_locale_changes_no_data(environ, box, more):
    locale = environ | {"PYTHONUTF8": "0"} | more
    ran = run(["communications", *REPORT[1:5], "-v", "--max-rows", "5"], locale)
    assert (ran.code, "period 2024-10-01 00:00:00" in ran.err) == (0, True)
    [first, *_] = rows_of(box, "communication_id", "site_name")
    assert json.loads(ran.out.split("\n")[0])["site_name"] == first["site_name"]
    wrong = run(["communications", "--fields", "имя"], locale)
    assert (wrong.code, wrong.err[:25]) == (2, "comagic: --fields: commun")


@pytest.mark.parametrize("home", [None, "", "/proc/none", "/dev/null"])
def test_nothing_is_remembered_where_there_is_no_home(comagic, box, monkeypatch, home):
    for name in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name)
    if home is not None:
        monkeypatch.setenv("HOME", home)
    asked = ["communications", *TWO, "--period", "yesterday", "--max-rows", "1", "-q"]
    ran = comagic(*asked, box=box)
    assert (ran.code, ran.err) == (0, "")


def test_the_sandbox_serves_until_it_is_stopped(comagic, environ):
    with start(["sandbox", "--rows", "50"], environ | measured()) as process:
        exports = dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])
        ran = comagic("communications", *TWO, "--from", "-3y", **exports)
        assert (ran.code, ran.out.count("\n")) == (0, 50)
        process.terminate()
        assert process.wait(PATIENCE) == 143
        assert (process.stdout.read(), process.stderr.read()) == ("", "")


def test_the_sandbox_sets_traps_for_recordings(comagic, environ, tmp_path):
    traps = ["--trap", "all", "--trap", "token", "--trap", "no-ranges"]
    with start(["sandbox", "--rows", "100000", *traps], environ | measured()) as process:
        exports = dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])
        typed = ["recordings", "--period", "yesterday", "-o", f"{tmp_path}/{{record_id}}.{{ext}}"]
        ran = comagic(*typed, **exports)
        assert (ran.code, "with the account's token only" in ran.err) == (3, True)
        assert "it is not there yet (HTTP 404)" in ran.err
        while ran.code == 3:
            ran = comagic(*typed, **exports)
        assert ran.code == 0
        process.terminate()
        assert process.wait(PATIENCE) == 143


@pytest.mark.parametrize("traps", [("token", "login"), ("nonsense",)])
def test_other_traps_are_refused(comagic, traps):
    ran = comagic("sandbox", *(f"--trap={trap}" for trap in traps))
    assert (ran.code, "--trap" in ran.err) == (2, True)


def test_the_sandbox_can_be_an_agent(comagic, environ):
    with start(["sandbox", "--rows", "50", "--agent"], environ | measured()) as process:
        exports = dict(word.split("=", 1) for word in process.stdout.readline().split()[1:])
        users = comagic("users", "-f", "csv", **exports)
        assert (users.code, users.out.count("\n"), users.err) == (0, 4, "")
        typed = ["--user-id", "7003", "--from", "-3y", "-f", "csv"]
        ran = comagic("communications", *TWO, *typed, **exports)
        assert (ran.code, ran.out.count("\n"), ran.err) == (0, 51, "")
        process.terminate()
        assert process.wait(PATIENCE) == 143


@pytest.mark.parametrize(
    ("user_ids", "customers"),
    [("7002", []), ("7003,7001", ["303", "301"]), ("all", ["301", "302", "303"])],
)
def test_a_private_sandbox_has_customers_where_a_user_is_named(comagic, user_ids, customers):
    typed = ["--sandbox", "--user-id", user_ids, "--period", "yesterday", "-f", "csv"]
    ran = comagic("communications", *TWO, *typed)
    assert ran.code == 0
    header, *rows = (line.split(",") for line in ran.out.splitlines())
    assert rows
    found = dict.fromkeys(row[0] for row in rows) if "customer_id" in header else ()
    assert list(found) == customers


def test_a_private_sandbox_without_a_user_is_a_client(comagic):
    account = json.loads(comagic("account", "--sandbox").out)
    as_agent = json.loads(comagic("account", "--sandbox", "--user-id", "7001").out)
    assert account["name"] != as_agent["name"]
