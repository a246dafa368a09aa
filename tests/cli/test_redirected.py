"""`comagic calls > calls.csv` writes JSON Lines, and says so."""

from __future__ import annotations

import subprocess

import pytest
from program import REPORT, Watched, environment, run

SAID = "comagic: JSON Lines were written. For CSV: -f csv, or -o FILE.csv.\n"


@pytest.fixture(scope="module")
def box():
    with Watched(rows=3) as served:
        yield served


@pytest.mark.parametrize(
    ("typed", "variables", "said"),
    [
        ([], {}, SAID),
        (["-q"], {}, ""),
        (["-f", "jsonl"], {}, ""),
        (["-f", "csv"], {}, ""),
        ([], {"COMAGIC_FORMAT": "jsonl"}, ""),
        (["-o", "-"], {}, ""),
        (["--count"], {}, ""),
    ],
)
def test_a_file_in_the_place_of_standard_output(box, tmp_path, typed, variables, said):
    environ = environment(tmp_path, box, **variables)
    with (tmp_path / "calls.csv").open("w") as file:
        ran = run([*REPORT, *typed], environ, stdout=file)
    assert (ran.code, ran.err) == (0, said)
    assert (tmp_path / "calls.csv").read_text()


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (
            ["communications", "--period", "2020-01-01"],
            "comagic: no rows from 2020-01-01 (Europe/Moscow)\n",
        ),
        (
            ["call-details", "--period", "2024-10-01", "--ids", "-"],
            "comagic: no rows from 2024-10-01 (Europe/Moscow): --ids names no id\n",
        ),
    ],
)
def test_nothing_is_said_of_the_format_where_nothing_is_written(box, tmp_path, typed, said):
    environ = environment(tmp_path, box)
    with (tmp_path / "calls.csv").open("w") as file:
        ran = run([*typed, "--tz", "Europe/Moscow"], environ, stdout=file)
    assert (ran.code, ran.err) == (0, said)


@pytest.mark.parametrize("stdout", [subprocess.PIPE, subprocess.DEVNULL])
def test_nothing_is_said_elsewhere(box, tmp_path, stdout):
    ran = run(REPORT, environment(tmp_path, box), stdout=stdout)
    assert (ran.code, ran.err) == (0, "")
