from __future__ import annotations

import os
import socket
import subprocess
import textwrap
from pathlib import Path

import pytest
from outputs import NEW, OLD, names, refusal, run, write

from comagic_cli.errors import CannotWrite, UsageProblem
from comagic_cli.files.output import format_of, open_output


def test_a_full_device():
    with pytest.raises(CannotWrite) as caught, open_output("/dev/full") as stream:
        stream.write(NEW)
    assert caught.value.message == "/dev/full can't be written: No space left on device."
    assert caught.value.hint == "Free some space on that disk, or write to another one."


def test_the_null_device_stays_a_device():
    write("/dev/null")
    assert Path("/dev/null").is_char_device()


def test_a_named_pipe(tmp_path):
    fifo = tmp_path / "rows.csv"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    write(fifo)
    assert os.read(reader, 99) == NEW
    os.close(reader)
    assert names(tmp_path) == ["rows.csv"]


def test_a_socket_can_not_be_opened(tmp_path):
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        assert refusal(tmp_path / "s")[0].endswith("can't be written: No such device or address.")


# Standard output

TO_STDOUT = """
    print("first")
    with open_output(sys.argv[1], sys.stdout) as stream:
        stream.write(b"rows\\n")
    print("last")
"""


@pytest.mark.parametrize("target", ["-", "/dev/stdout", "/dev/fd/1"])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_keeps_its_order_and_what_was_there(tmp_path, target, unbuffered):
    with (tmp_path / "all").open("wb") as file:
        file.write(OLD)
        file.flush()
        run(TO_STDOUT, target, stdout=file, env={**os.environ, "PYTHONUNBUFFERED": unbuffered})
    assert (tmp_path / "all").read_bytes() == OLD + b"first\nrows\nlast\n"


def test_standard_output_that_a_test_captures(capsysbinary):
    write("-")
    write(None)
    assert capsysbinary.readouterr().out == NEW + NEW


def test_another_descriptor_is_written_where_it_stands(tmp_path):
    with (tmp_path / "log").open("wb") as file:
        file.write(OLD)
        file.flush()
        run('with open_output("/dev/stderr") as s: s.write(b"rows")', stderr=file)
    assert (tmp_path / "log").read_bytes() == OLD + b"rows"


SAYING = """
    try:
        with open_output(None, sys.stdout) as stream:
            stream.write(b"rows")
    except Exception as error:
        print(type(error).__name__, error, file=sys.stderr)
"""


def test_a_full_standard_output():
    with Path("/dev/full").open("wb") as full:
        done = run(SAYING, stdout=full, stderr=subprocess.PIPE)
    told = b"CannotWrite Standard output can't be written: No space left on device.\n"
    assert (done.returncode, done.stderr) == (0, told)  # nothing is left to fail at exit


@pytest.mark.parametrize(
    ("how", "told"),
    [
        ("sys.stdout = None", b"CannotWrite Standard output is closed.\n"),
        ("sys.stdout.close()", b"CannotWrite Standard output is closed.\n"),
        (
            "import os; os.close(1)",
            b"CannotWrite Standard output can't be written: Bad file descriptor.\n",
        ),
    ],
)
def test_a_closed_standard_output(how, told):
    done = run(f"{how}\n{textwrap.dedent(SAYING)}sys.stdout = None", stderr=subprocess.PIPE)
    assert done.stderr.startswith(told)


def test_no_standard_output_at_all():
    assert refusal("-") == ("Standard output is closed.", "Write to a file with -o FILE.")


def test_a_closed_pipe_passes_as_it_is():
    reader, writer = os.pipe()
    os.close(reader)
    with pytest.raises(BrokenPipeError), open_output(f"/dev/fd/{writer}") as stream:
        stream.write(NEW)
    done = run(SAYING, stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"BrokenPipeError [Errno 32] Broken pipe\n")


# The format

FORMATS = [
    (None, None),
    ("-", None),
    ("/dev/stdout", None),
    ("/dev/null", None),
    ("/dev/fd/3", None),
    ("out.csv", "csv"),
    ("a.b/OUT.CSV", "csv"),
    ("out.tsv", "tsv"),
    ("out.jsonl", "jsonl"),
    ("out.ndjson", "jsonl"),
    ("out.json", "json"),
    ("out.txt", "table"),
    ("out.csv.gz", "csv"),
    ("out.jsonl.ZST", "jsonl"),
]


@pytest.mark.parametrize(("path", "form"), FORMATS)
def test_the_suffix_names_the_format(path, form):
    assert format_of(path) == form


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", "The name of the output file is empty."),
        (".", ". is a folder."),
        ("calls.csv/", "calls.csv/ is a folder."),
    ],
)
def test_what_names_no_file_is_said_to(path, message):
    with pytest.raises(CannotWrite) as caught:
        format_of(path)
    assert caught.value.message == message


@pytest.mark.parametrize("path", ["out", "out.pdf", "out.gz", "out.csv.bz2", ".csv", "a.csv/b"])
def test_an_unknown_suffix_is_refused(path):
    with pytest.raises(UsageProblem) as caught:
        format_of(path)
    assert caught.value.message == f"The name {path} has no suffix of a known format."
    assert caught.value.hint == (
        "Choose a format with -f, or a suffix: .csv, .tsv, .jsonl, .ndjson, .json, .txt, "
        ".xlsx, .parquet, .db, .sqlite, .sqlite3 (then .gz or .zst to compress); "
        "see comagic help formats."
    )


@pytest.mark.parametrize(
    ("path", "meant"),
    [("a/out.xls", "a/out.xlsx"), ("out.XLSM", "out.xlsx"), ("o.pq", "o.parquet")],
)
def test_a_suffix_of_other_programs_is_answered_with_ours(path, meant):
    with pytest.raises(UsageProblem) as caught:
        format_of(path)
    assert caught.value.hint == f"Did you mean {meant}?"


def test_a_name_that_is_too_long_is_named():
    with pytest.raises(CannotWrite) as caught:
        format_of("x" * 300 + ".csv")
    assert caught.value.message == f"{'x' * 300}.csv can't be written: File name too long."
    assert caught.value.hint == "Choose a shorter name."
