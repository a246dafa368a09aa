"""Several API calls at once: the bytes and the calls are those of one at once."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from threading import Event, Lock

import pytest
from program import DAYS, SPAN, TWO, Watched, fault

from comagic_cli.sandbox.faults import Answer
from comagic_cli.sandbox.methods import accounts
from comagic_cli.sandbox.quirks import Arrival, Vanishing

LATENCY = 0.06  # seconds, from 0.05 on it is worth asking ahead
PAGES = ["--page-size", "20", "--report-id", "1001"]
REPORT = ["communications", *DAYS, *TWO, *PAGES]


class Distant(Watched):
    """A sandbox that is far away: each answer takes a while. It counts the most calls at once."""

    def __init__(self, rows=200, **more):
        super().__init__(rows, **more)
        self.at_once = self.most_at_once = 0
        self._counted, self._never = Lock(), Event()

    def answer(self, body, headers):
        with self._counted:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        self._never.wait(LATENCY)
        answer = super().answer(body, headers)
        with self._counted:
            self.at_once -= 1
        return answer

    @property
    def asked(self):
        """Count the calls by what they ask."""
        texts = (json.dumps([call.method, call.params], sort_keys=True) for call in self.journal)
        return Counter(texts)


def written(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".comagic")  # that tells the address
    }


AGENT = {"agent": True, "rows": 60}
ALIKE = {
    "one window": (REPORT, {}),
    "windows": (
        ["communications", "--from", "2024-10-01", "--till", "2024-10-05", *TWO, *PAGES],
        {"max_days": 1},
    ),
    "descending": ([*REPORT, "--sort", "communication_date_time:desc"], {}),
    "by another": ([*REPORT, "--sort", "communication_id:desc"], {}),
    "few rows": ([*REPORT, "--max-rows", "70"], {}),
    "without totals": (REPORT, {"total_items": "absent", "rows": 90}),
    "customers": (["calls", *DAYS, "--user-id", "all", *PAGES[:2]], AGENT),
    "one refused": (["calls", *DAYS, "--user-id", "all"], {**AGENT, "denied_users": (7002,)}),
    "customers of today": (
        ["calls", "--period", "this-month", "--user-id", "all", *PAGES[:2]],
        AGENT,
    ),
    "older": (["tags-history", *DAYS, *PAGES[:2]], {}),
    "list": (["list", "sites"], {}),
}


def export(comagic, folder, words, quirks, jobs, output="rows.jsonl"):
    folder.mkdir()
    more = ["--jobs", jobs] * (words[0] != "list")
    with Distant(**quirks) as box:
        ran = comagic(*words, "-o", folder / output, *more, box=box)
    return ran, written(folder), box


def same(comagic, folder, words, quirks, output="rows.jsonl"):
    """Export with one call at once and with four; return the runs and the distant service."""
    runs = [export(comagic, folder / str(jobs), words, quirks, jobs, output) for jobs in (1, 4)]
    (one, its_files, its_box), (four, files, box) = runs
    assert (four.code, files) == (one.code, its_files)
    assert box.asked == its_box.asked
    assert its_box.most_at_once <= 1
    assert box.most_at_once <= 4
    return four, files, box


@pytest.mark.parametrize("name", ALIKE)
def test_bytes_and_calls_are_those_of_one_at_once(comagic, tmp_path, name):
    words, quirks = ALIKE[name]
    comagic.stop_clock(datetime(2024, 10, 4, 12, tzinfo=UTC))
    four, files, box = same(comagic, tmp_path, words, quirks)
    assert four.code == (3 if name == "one refused" else 0), four.err
    if name not in {"few rows", "without totals", "list", "older"}:
        assert box.most_at_once > 1
    assert any(files.values()) or name == "one refused"


def test_each_file_of_a_template(comagic, tmp_path):
    _, files, box = same(comagic, tmp_path, REPORT, {}, "{date}.jsonl")
    assert box.most_at_once > 1
    assert {f"2024-10-0{day}.jsonl" for day in range(1, 6)} <= set(files)


def test_ids_in_lots(comagic, tmp_path):
    with Watched(rows=2000) as box:
        rows = box.truth("call-details", *SPAN, fields=["communication_id"])
    ids = sorted({str(row["communication_id"]) for row in rows})
    assert len(ids) > 200  # so that there are three lots
    words = ["call-details", *DAYS, "--ids", ",".join(ids)]
    _, files, box = same(comagic, tmp_path, words, {"rows": 2000})
    assert box.most_at_once > 1
    assert len(files["rows.jsonl"].splitlines()) == len(rows)
    lots = [call.params["entity_ids"] for call in box.pages]
    assert len(lots) == -(-len(ids) // 100)  # and no call in vain


def test_a_refused_customer_is_told_in_the_manifest_as_ever(comagic, tmp_path):
    words = ["calls", *DAYS, "--user-id", "all", "--report-id", "1002", "--keep-incomplete"]
    more = ["--manifest", str(tmp_path / "manifest")]
    counts = []
    for jobs in (1, 4):
        run = tmp_path / str(jobs)
        quirks = {**AGENT, "denied_users": (7002,)}
        export(comagic, run, [*words, *more], quirks, jobs)
        manifest = json.loads((tmp_path / "manifest").read_bytes())
        counts.append(manifest["customers"])
    assert counts[0] == counts[1]
    assert ["refused" in each for each in counts[0]] == [False, True, False]


# Where something goes wrong


def ran(comagic, tmp_path, *words, box, **environ):
    target = tmp_path / "rows.jsonl"
    run = comagic(*REPORT, "-o", target, "--jobs", 4, *words, box=box, **environ)
    lines = target.read_bytes().splitlines() if target.exists() else []
    return run, sorted(tuple(json.loads(line).values()) for line in lines)


def asking_once_more(box):
    """Return what makes a call for rows that is of nobody."""
    params = {**box.pages[-1].params, "access_token": box.token}
    call = {"jsonrpc": "2.0", "id": 1, "method": box.pages[-1].method, "params": params}
    return json.dumps(call).encode(), ()


def truth(box):
    rows = box.truth("communications", *SPAN, fields=TWO[1].split(","))
    return sorted(tuple(row.values()) for row in rows)


def test_a_session_that_ends_is_opened_anew_once(comagic, tmp_path, monkeypatch):
    monkeypatch.setattr(accounts, "LOGIN", "me")
    monkeypatch.setattr(accounts, "PASSWORD", "pass word")
    with Distant(session_calls=8) as box:
        login = {"COMAGIC_BASE_URL": box.url, "COMAGIC_LOGIN": "me"}
        run, rows = ran(comagic, tmp_path, box=None, **login, COMAGIC_PASSWORD="pass word")
        assert (run.code, run.err, rows) == (0, "", truth(box)), run.err
    assert box.methods.count("login.user") == 2
    assert box.most_at_once > 1


def test_sessions_of_few_calls_end_for_several_at_once(comagic, tmp_path, monkeypatch):
    monkeypatch.setattr(accounts, "LOGIN", "me")
    monkeypatch.setattr(accounts, "PASSWORD", "pass word")
    with Distant(session_calls=4) as box:
        login = {"COMAGIC_BASE_URL": box.url, "COMAGIC_LOGIN": "me"}
        run, rows = ran(comagic, tmp_path, box=None, **login, COMAGIC_PASSWORD="pass word")
        assert (run.code, rows) == (0, truth(box)), run.err


def test_out_of_points_of_the_minute_it_waits(comagic, tmp_path):
    with Distant(faults=fault("limit_exceeded", 5, 6, 7, seconds=30)) as box:
        run, rows = ran(comagic, tmp_path, box=box)
        assert (run.code, rows) == (0, truth(box)), run.err
    assert comagic.pauses
    assert all(pause > 29 for pause in comagic.pauses)


def test_no_more_at_once_than_points_are_left_beside_a_reserve(comagic, tmp_path):
    with Distant(minute_limit=8) as box:  # after the first there are seven, and five stay
        assert ran(comagic, tmp_path, "--max-wait", "0", box=box)[0].code == 7
    assert box.most_at_once == 2


def test_out_of_points_of_the_day_the_rest_can_be_resumed(comagic, tmp_path):
    faults = fault("limit_exceeded", *range(6, 10), detail="day")
    with Distant(faults=faults) as box:
        run, _ = ran(comagic, tmp_path, box=box)
        assert (run.code, comagic.pauses) == (7, [])
        assert len(box.pages) <= 5 + 4
        while len(box.pages) < 9:  # until the next day
            box.answer(*asking_once_more(box))
        before = len(box.pages)
        run, rows = ran(comagic, tmp_path, "--resume", box=box)
        assert (run.code, rows) == (0, truth(box)), run.err
        assert len(box.pages) - before < 11  # what was written is not asked for again


def test_pages_that_fail_twice_come_in_the_end(comagic, tmp_path):
    with Distant(faults=fault("503", 4, 5, 6, 7)) as box:
        run, rows = ran(comagic, tmp_path, box=box)
        assert (run.code, rows) == (0, truth(box)), run.err


def test_pages_that_are_too_large_are_halved_once(comagic, tmp_path):
    class Small(Distant):
        def answer(self, body, headers):
            if self.pages and json.loads(body)["params"].get("limit", 0) > 2000:
                self._never.wait(LATENCY)
                return Answer(b"", status=503)
            return super().answer(body, headers)

    with Small(rows=14_000) as box:
        run, rows = ran(comagic, tmp_path, "--page-size", "4000", "-v", box=box)
        assert (run.code, rows) == (0, truth(box)), run.err
    assert {call.params["limit"] for call in box.pages} == {4000, 2000}
    assert run.err.count("asking for 2000 from now on") == 1


@pytest.mark.parametrize(
    "moving",
    [
        {"vanishings": (Vanishing(6),)},
        {"arrivals": (Arrival(6, "start"),)},
        {"arrivals": (Arrival(4, "start"), Arrival(9, "start", 3))},
        {"vanishings": (Vanishing(5, "2024-10-03 12:00:00", 2),)},
    ],
)
def test_rows_that_move(comagic, tmp_path, moving):
    with Distant(**moving) as box:
        run, rows = ran(comagic, tmp_path, "-v", box=box)
        assert len(set(rows)) == len(rows)
        stayed = set(truth(box))
        assert len(stayed - set(rows)) <= 4  # those that came behind what was read
    assert run.code in {0, 3}, run.err
    rejected = run.err.count("reading again from")
    vain = [int(number) for number in re.findall(r"(\d+) API calls? made in vain", run.err)]
    assert rejected
    assert all(number <= 3 for number in vain)
    assert len(vain) <= rejected
    assert len(box.pages) >= 11 + sum(vain)


def remembered(tmp_path):
    return [path.read_text() for path in (tmp_path / "cache").rglob("jobs-*")]


def test_what_was_good_is_remembered_for_the_account(comagic, tmp_path):
    with Distant() as box:
        ran(comagic, tmp_path, "--jobs", "2", box=box)
        assert (remembered(tmp_path), box.most_at_once) == (["2"], 2)
        ran(comagic, tmp_path, box=box)
        assert remembered(tmp_path) == ["4"]
        for fewer in (1, 3):  # they were typed, and are no finding
            ran(comagic, tmp_path, "--jobs", fewer, box=box)
            assert remembered(tmp_path) == ["4"]
        box.journal.clear()
        ran(comagic, tmp_path, "--page-size", "40", box=box)
        offsets = [call.params["offset"] for call in box.pages[1:5]]
        assert sorted(offsets) == [39, 78, 117, 156]  # four at once after the first
    with Watched() as near:
        ran(comagic, tmp_path, box=near)
        assert remembered(tmp_path) == ["4"]  # that of the other service
