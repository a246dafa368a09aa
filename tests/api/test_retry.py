"""Fewer rows a page where the service fails on many, and no row lost by it."""

from __future__ import annotations

import json

import pytest
from coverage_marks import unmeasured
from program import SPAN, TWO, Watched, fault

from comagic_cli.sandbox.faults import Answer

ASKED = ["communications", "--from", "2024-10-01", "--till", "2024-10-05", *TWO]
ASKED += ["--report-id", 1001, "--tz", "Europe/Moscow"]


class Weak(Watched):
    """A sandbox that fails on pages of more rows than it can make."""

    def __init__(self, most, status=502, **more):
        super().__init__(**more)
        self.most, self.status = most, status
        self.limits = []

    def answer(self, body, headers):
        limit = json.loads(body)["params"].get("limit", 0)
        self.limits.append(limit)
        return (
            Answer(b"<html>", self.status) if limit > self.most else super().answer(body, headers)
        )


def numbers(out):
    return [json.loads(line)["communication_id"] for line in out.splitlines()]


@unmeasured
@pytest.mark.parametrize(
    ("most", "limits"),
    [
        (10_000, [10_000, 1]),
        (5_000, [10_000, 10_000, 5_000, 1]),
        (2_000, [10_000, 10_000, 5_000, 2_500, 1_250, 1_250, 1_250]),
        (700, [10_000, 10_000, 5_000, 2_500, 1_250, 625, 625, 625, 625, 625]),
    ],
)
def test_pages_are_halved_until_the_service_can_make_them(comagic, most, limits):
    with Weak(most, rows=2_300) as box:
        ran = comagic(*ASKED, box=box)
        truth = [
            row["communication_id"]
            for row in box.truth("communications", *SPAN, fields=["communication_id"])
        ]
    assert (ran.code, ran.err, box.limits) == (0, "", limits)
    assert sorted(numbers(ran.out)) == sorted(truth)


@pytest.mark.parametrize(
    ("status", "limits"),
    [
        (504, [10_000, 10_000, 5_000, 2_500, 1_250, 625]),
        (429, [10_000] * 5),
        (404, [10_000]),
    ],
)
def test_what_may_be_about_size_and_what_not(comagic, status, limits):
    with Weak(0, status, rows=10) as box:
        ran = comagic(*ASKED, box=box)
    assert (ran.code, ran.out, box.limits) == (6, "", limits)


def test_one_failure_does_not_make_pages_smaller(comagic):
    with Weak(10_000, rows=10, faults=fault("internal_error", 1)) as box:
        assert comagic(*ASKED, box=box).code == 0
    assert box.limits == [10_000, 10_000, 1]


def test_verbose_tells_of_it(comagic):
    with Weak(5_000, rows=10) as box:
        ran = comagic(*ASKED, "-v", box=box)
    assert "the service fails on 10000 rows per page: asking for 5000 from now on" in ran.err
