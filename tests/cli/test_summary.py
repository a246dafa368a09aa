"""What is told once an export has ended: by --verbose here, as on a terminal."""

from __future__ import annotations

import re

import pytest
from program import REPORT, Watched

from comagic_cli.export.context import lasted

SPENT = "2 points spent, 4 998 left today, N s."


@pytest.fixture
def box():
    with Watched(rows=30) as served:
        yield served


def last_line(ran):
    assert ran.code == 0
    return re.sub(r"\d+\.\d s\.", "N s.", ran.err.splitlines()[-1])


def test_a_file_and_its_size(comagic, box, tmp_path):
    target = tmp_path / "rows.csv"
    ran = comagic(*REPORT, "--report-id", "1001", "-v", "-o", target, box=box)
    told = f"30 rows, 2024-10-01 to 2024-10-05, {target} ({target.stat().st_size} bytes), {SPENT}"
    assert last_line(ran) == told


def test_files_of_days(comagic, box, tmp_path):
    target = tmp_path / "{date}.csv"
    ran = comagic(*REPORT, "--report-id", "1001", "-v", "-o", target, box=box)
    told = f"30 rows, 2024-10-01 to 2024-10-05, 5 files of {target}, {SPENT}"
    assert last_line(ran) == told


@pytest.mark.parametrize("options", [[], ["-q"], ["-q", "-v"]])
def test_nothing_is_told_to_cron(comagic, box, tmp_path, options):
    ran = comagic(*REPORT, *options, "-o", tmp_path / "rows.csv", box=box)
    assert (ran.code, ran.out, ran.err) == (0, "", "")


@pytest.mark.parametrize(
    ("seconds", "told"), [(0, "0.0 s"), (59.94, "59.9 s"), (60, "1 min 0 s"), (3725, "62 min 5 s")]
)
def test_how_long_it_took(seconds, told):
    assert lasted(seconds) == told
