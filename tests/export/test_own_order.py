"""Rows that a service does not sort by time are all written, and that is said."""

from __future__ import annotations

import json

from program import REPORT
from scripted_service import Playback, http, refused

KEY, TIME = "communication_id", "communication_date_time"
ROWS = [{KEY: day, TIME: f"2024-10-0{day} 12:00:00"} for day in (3, 1, 2)]
WRITTEN = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in ROWS)
TOLD = "comagic: the service does not sort by time: the rows are in its own order\n"
PROHIBITED = http(refused("sort_prohibited"))


def page(rows):
    return http(json.dumps({"result": {"data": rows, "metadata": {"total_items": len(ROWS)}}}))


def test_an_order_of_the_service_s_own_is_told(comagic, monkeypatch):
    monkeypatch.setenv("COMAGIC_TOKEN", "x" * 20)
    with Playback([PROHIBITED, PROHIBITED, page(ROWS), page(ROWS), page(ROWS[:1])]) as server:
        ran = comagic(*REPORT, "--base-url", server.url, "--report-id", "1", "--jobs", "1")
    assert (ran.code, ran.out, ran.err) == (0, WRITTEN, TOLD)
