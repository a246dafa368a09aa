"""Measure an export beside its floor and beside what people would use instead.

    python tests/bench [speed|latency|memory|startup|postgres …] [--runs N] [--sets 12,102]

Every table is of medians of interleaved runs of whole processes, and of ratios to the floor in the
same run: the very calls of the export, made with requests and thrown away. What others need
(pandas, awscli, …) is installed into environments of its own, under build/bench.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent / "support"))
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(1, str(Path(__file__).parent.parent / "support"))

from statistics import median

from buckets import running_moto
from measure import Command, Figures, interleaved, run
from postgres import postgres as serve_postgres
from rows import ALL, FIRST_DAY, SPAN, TWELVE
from server import CUSTOMERS

HERE = Path(__file__).parent
HOME = HERE.parent.parent
ROOMS = HOME / "build" / "bench"  # environments of others
COMAGIC = str(Path(sys.executable).with_name("comagic"))
FIELDS = {"12": TWELVE, "102": ALL, "20k": TWELVE, "1m": TWELVE, "customer": TWELVE}
ROWS = {"12": 200_000, "102": 50_000, "20k": 20_000, "1m": 1_000_000}
DAYS = ("2024-01-01", f"{FIRST_DAY + SPAN:%Y-%m-%d}")
HALF = f"{FIRST_DAY + SPAN / 2:%Y-%m-%d}"
OPENERS = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@contextmanager
def service() -> Iterator[str]:
    """Start the server as a process of its own; give its address."""
    command = [sys.executable, str(HERE / "server.py")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout
    try:
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.wait()


class Bench:
    """What all measurements share: the service, a folder, an environment, the number of runs."""

    def __init__(self, url: str, folder: Path, runs: int) -> None:
        self.url, self.folder, self.runs = url, folder, runs
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "COMAGIC_TOKEN": "t",
            "LC_ALL": "C.UTF-8",
            "NO_PROXY": "*",
        }

    def address(self, name: str, latency: str = "0", coding: str = "plain") -> str:
        return f"{self.url}/{name}/{latency}/{coding}"

    def export(self, address: str, *more: str) -> list[str]:
        """Make the command of an export of all rows at an address."""
        name = address.rsplit("/", 3)[1]
        command = [COMAGIC, "communications", "--base-url", address, "--report-id", "1"]
        command += ["--tz", "Europe/Moscow", "--from", DAYS[0], "--till", DAYS[1]]
        return [*command, "--fields", ",".join(FIELDS[name]), *more]

    def calls(self, address: str, *more: str) -> Path:
        """Run an export once; return the file of the calls that it makes."""
        OPENERS.open(urllib.request.Request(address, method="DELETE"))
        output = self.folder / "once.jsonl"
        run(self.export(address, "-o", str(output), *more), self.environment)
        assert sum(1 for _ in output.open("rb")) == ROWS[address.rsplit("/", 3)[1]]
        path = self.folder / f"calls{address.rsplit(':', 1)[1].replace('/', '-')}"
        path.write_bytes(OPENERS.open(address).read())
        return path

    def floor(self, address: str) -> list[str]:
        calls = str(self.calls(address))
        return [sys.executable, str(HERE / "rivals" / "floor.py"), address, calls]

    def rival(self, program: str, interpreter: str, address: str, ending: str) -> list[str]:
        name = address.rsplit("/", 3)[1]
        half = f"{FIRST_DAY + SPAN / 2:%Y-%m-%d %H:%M:%S}"
        later = f"{FIRST_DAY + SPAN / 2:%Y-%m-%d %H:%M}:01"
        windows = json.dumps([(f"{DAYS[0]} 00:00:00", half), (later, f"{DAYS[1]} 23:59:59")])
        output = str(self.folder / f"{program}{ending}")
        rival = str(HERE / "rivals" / program)
        return [interpreter, rival, address, windows, ",".join(FIELDS[name]), output]


def speed(bench: Bench, names: list[str]) -> None:
    """Compare wall, processor and memory without latency, with gzip and without."""
    for name in names:
        for coding in ("plain", "gzip"):
            address = bench.address(name, coding=coding)
            commands: dict[str, Command] = {"floor": bench.floor(address)}
            for ending in endings():
                output = str(bench.folder / f"{name}-{coding}.{ending}")
                more = ["-f", "sqlite"] if ending == "db" else []
                commands[f"comagic {ending}"] = bench.export(address, "-o", output, *more)
            figures = interleaved(commands, bench.environment, bench.runs)
            table(f"{ROWS[name]} rows of {len(FIELDS[name])} fields, {coding}", figures, ROWS[name])
    beside_rivals(bench)


def beside_rivals(bench: Bench) -> None:
    """Compare with what people would use instead; some take so long that they run once."""
    address = bench.address("12")
    commands: dict[str, Command] = {"floor": bench.floor(address)}
    for ending in ("jsonl", "csv"):
        output = str(bench.folder / f"rivals.{ending}")
        commands[f"comagic {ending}"] = bench.export(address, "-o", output)
    figures = interleaved(commands | rivals(bench, address), bench.environment, 1)
    table(f"{ROWS['12']} rows of 12 fields, beside others", figures, ROWS["12"])


def endings() -> list[str]:
    """List what files there are to write."""
    listed = subprocess.run(
        [COMAGIC, "communications", "--help"], capture_output=True, text=True, check=True
    )
    more = [
        ending
        for word, ending in (("sqlite", "db"), ("parquet", "parquet"))
        if word in listed.stdout
    ]
    return ["jsonl", "csv", "jsonl.gz", "jsonl.zst", *more]


def rivals(bench: Bench, address: str) -> dict[str, Command]:
    """Make the commands of what people would use instead."""
    script = room("requests", ["requests"]) / "bin" / "python"
    frames = room("pandas", ["requests", "pandas"]) / "bin" / "python"
    made: dict[str, Command] = {
        "script, csv": bench.rival("script.py", str(script), address, ".csv"),
        "script, jsonl": bench.rival("script.py", str(script), address, ".jsonl"),
        "pandas, csv": bench.rival("frames.py", str(frames), address, ".csv"),
    }
    dlt = room("dlt", ["dlt[filesystem]"]) / "bin" / "python"
    made["dlt, jsonl"] = bench.rival("dlt_source.py", str(dlt), address, ".files")
    tap = room("singer", ["requests", "singer-python"]) / "bin" / "python"
    made["Singer tap"] = bench.rival("tap.py", str(tap), address, ".singer")
    if shutil.which("jq") and shutil.which("curl"):
        made["curl + jq, jsonl"] = bench.rival("curl_jq.sh", "bash", address, ".jsonl")
    return made


def room(name: str, packages: list[str]) -> Path:
    """Make an environment of a rival's own, once."""
    path = ROOMS / name
    if not (path / "ready").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(path)], check=True)
        subprocess.run([str(path / "bin" / "pip"), "install", "-q", *packages], check=True)
        (path / "ready").touch()
    return path


def latency(bench: Bench, names: list[str]) -> None:
    """Compare an export with the waits for its pages, and its first row with the first page."""
    for name in names:
        for seconds in ("0.2", "1"):
            address = bench.address(name, seconds)
            pages = len(bench.calls(address).read_bytes().splitlines())
            one = bench.folder / "one"
            one.write_bytes(OPENERS.open(address).read().splitlines()[0])
            first = [sys.executable, str(HERE / "rivals" / "floor.py"), address, str(one)]
            figures = interleaved(
                {
                    "first page": first,
                    "jsonl": bench.export(address, "-f", "jsonl"),
                    "csv": bench.export(address, "-f", "csv"),
                },
                bench.environment,
                max(1, bench.runs // 2),
                first=True,
            )
            title = f"{ROWS[name]} rows of {len(FIELDS[name])} fields"
            print(f"\n## {title}: {pages} pages of {seconds} s")
            for ending in ("jsonl", "csv"):
                all_, row = figures[ending].wall / (pages * float(seconds)), figures[ending].first
                print(
                    f"{ending:6} {figures[ending].wall:7.2f} s = {all_:5.3f} of the waits; first"
                    f" row {row:5.2f} s = {row / figures['first page'].wall:5.3f} of the first page"
                )
    at_once(bench)
    customers_at_once(bench)


def at_once(bench: Bench) -> None:
    """Compare exports by several calls at once with one by one."""
    for seconds in ("0", "0.2", "1"):
        address = bench.address("12", seconds)
        commands = {
            "--jobs 1": bench.export(address, "--jobs", "1"),
            "default": bench.export(address),
            "--jobs 4": bench.export(address, "--jobs", "4"),
        }
        runs = {"0": 2 * bench.runs, "0.2": bench.runs, "1": 1}[seconds]
        figures = interleaved(commands, bench.environment, runs)
        table(f"{ROWS['12']} rows, {seconds} s a page, calls at once", figures, ROWS["12"])


def customers_at_once(bench: Bench) -> None:
    """Compare an export of many customers of one page each by several calls at once and by one."""
    address = bench.address("customer", "1")
    all_ = ["--till", HALF, "--user-id", "all"]
    commands = {
        "--jobs 1": bench.export(address, *all_, "--jobs", "1"),
        "default": bench.export(address, *all_),
    }
    figures = interleaved(commands, bench.environment, 1)
    table(f"{CUSTOMERS} customers of 5000 rows, 1 s a page", figures, CUSTOMERS * 5000)


def memory(bench: Bench, _: list[str]) -> None:
    """Compare peak memory at 20 000 and at 1 000 000 rows."""
    print("\n## Peak memory, MB, at 20 000 and at 1 000 000 rows of 12 fields")
    largest = max(len(OPENERS.open(call(bench, line)).read()) for line in first_calls(bench))
    bound = 3.5 * largest / 2**20 + 45
    print(f"largest page {largest / 2**20:.1f} MB; 3.5 times that and 45 MB: {bound:.0f} MB")
    for ending in endings():
        peaks = []
        for name in ("20k", "1m"):
            output = str(bench.folder / f"{name}.{ending}")
            command = bench.export(bench.address(name), "-o", output)
            peaks.append(run(command, bench.environment).peak)
        print(f"{ending:10} {peaks[0]:6.0f} {peaks[1]:6.0f}   ratio {peaks[1] / peaks[0]:.2f}")


def buckets(bench: Bench, _: list[str]) -> None:
    """Compare an export to a bucket with one to a local file and one put of that, beside moto."""
    with running_moto() as port:
        bench.environment |= {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "s",
            "AWS_REGION": "us-east-1",
        }
        address = f"http://127.0.0.1:{port}/bench-bucket"
        OPENERS.open(urllib.request.Request(address, method="PUT"))
        put = (
            "import obstore, pathlib, sys; from obstore.store import S3Store; "
            "store = S3Store('bench-bucket', client_options={'allow_http': True}); "
            "obstore.put(store, 'x.parquet', pathlib.Path(sys.argv[1]))"
        )
        for name in ("20k", "12"):
            output = str(bench.folder / f"{name}.parquet")
            local = bench.export(bench.address(name), "-o", output)
            both = f"{shlex.join(local)} && {shlex.join([sys.executable, '-c', put, output])}"
            commands: dict[str, Command] = {
                "local parquet, put": ["sh", "-c", both],
                "local parquet": local,
                "bucket": bench.export(bench.address(name), "-o", "s3://bench-bucket/x.parquet"),
            }
            figures = interleaved(commands, bench.environment, bench.runs)
            table(f"{ROWS[name]} rows to a bucket", figures, ROWS[name])


def first_calls(bench: Bench) -> list[bytes]:
    return bench.calls(bench.address("20k")).read_bytes().splitlines()


def call(bench: Bench, body: bytes) -> urllib.request.Request:
    return urllib.request.Request(bench.address("20k"), data=body, method="POST")


def startup(bench: Bench, _: list[str]) -> None:
    """Compare how long it takes until something is shown, and until the first request is sent."""
    python = sys.executable
    commands: dict[str, Command] = {
        "python -c 'import click'": [python, "-c", "import click"],
        "comagic --help": [COMAGIC, "--help"],
        "comagic --version": [COMAGIC, "--version"],
        "comagic completion": [
            "env",
            "_COMAGIC_COMPLETE=bash_complete",
            "COMP_WORDS=comagic\nca",
            "COMP_CWORD=1",
            COMAGIC,
        ],
        "jq --help": ["jq", "--help"],
        "aws --version": [str(room("awscli", ["awscli"]) / "bin" / "aws"), "--version"],
        "http --help": [str(room("httpie", ["httpie"]) / "bin" / "http"), "--help"],
        "sqlite-utils --help": [
            str(room("sqlite-utils", ["sqlite-utils"]) / "bin" / "sqlite-utils"),
            "--help",
        ],
        "dlt --help": [str(room("dlt", ["dlt[filesystem]"]) / "bin" / "dlt"), "--help"],
    }
    figures = interleaved(commands, bench.environment, 3 * bench.runs)
    table("Start-up", figures, 0)
    before_first_request(bench)


def before_first_request(bench: Bench) -> None:
    """Compare the time to the first request with that of importing what it takes."""
    imports = [sys.executable, "-c", "import click, requests, msgspec"]
    floors, sent = [], []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        address = f"http://127.0.0.1:{listening.getsockname()[1]}/12/0/plain"
        for _ in range(3 * bench.runs):
            floors.append(run(imports, bench.environment).wall)
            started = time.perf_counter()
            process = subprocess.Popen(
                bench.export(address), env=bench.environment, stdout=-3, stderr=-3, stdin=-3
            )
            connection, _ = listening.accept()
            sent.append(time.perf_counter() - started)
            process.kill()
            process.wait()
            connection.close()
    floor, first = median(floors), median(sent)
    print(f"\nimport click, requests, msgspec: {floor * 1e3:.0f} ms")
    print(f"an export until its first request: {first * 1e3:.0f} ms, {first / floor:.2f} of that")


def postgres(bench: Bench, _: list[str]) -> None:
    """Compare a table of PostgreSQL with CSV that psql loads: plainly, and by key."""
    names = ["communication_id", *(name for name in TWELVE if name != "communication_id")]
    address, typed = bench.address("12"), ", ".join(f'"{name}" text' for name in names)
    load = str(bench.folder / "load.csv")
    csv = shlex.join(bench.export(address, "-o", load, "--fields", ",".join(names)))
    copy = f"\\copy load from '{load}' with (format csv, header true)"
    sets = ", ".join(f'"{name}" = excluded."{name}"' for name in names[1:])
    plain = f"drop table if exists load; create table load ({typed});\n{copy}"
    by_key = (
        "drop table if exists keyed; begin; create temporary table load "
        f"({typed}) on commit drop;\n{copy}\n"
        f"create table keyed ({typed}, primary key (communication_id));"
        "insert into keyed select * from load on conflict (communication_id) do update set "
        f"{sets}; commit"
    )
    ours = shlex.join(bench.export(address, "-o", "postgresql:///", "--table", "ours"))
    gone = "psql -q -c 'drop table if exists ours, _comagic_requests'"
    psql = "psql -q -v ON_ERROR_STOP=1 <<'SQL'"
    with serve_postgres() as server:
        bench.environment |= server
        commands = {
            "csv + psql \\copy": ["bash", "-ec", f"{csv}\n{psql}\n{plain}\nSQL"],
            "csv + psql, by key": ["bash", "-ec", f"{csv}\n{psql}\n{by_key}\nSQL"],
            "postgresql, first night": ["bash", "-ec", f"{gone}; {ours}"],
            "postgresql, every night": ["bash", "-ec", ours],
        }
        figures = interleaved(commands, bench.environment, bench.runs)
        table(f"{ROWS['12']} rows of 12 fields to PostgreSQL", figures, ROWS["12"])
        print("peak MB of comagic alone:")
        for name, rows in (("20k", 20_000), ("12", 200_000)):
            subprocess.run(["bash", "-c", gone], env=bench.environment, check=True)
            command = bench.export(bench.address(name), "-o", "postgresql:///", "--table", "ours")
            print(f"{rows:9} rows {run(command, bench.environment).peak:6.0f}")


def table(title: str, figures: Mapping[str, Figures], rows: int) -> None:
    """Print medians, and ratios to the first."""
    floor = next(iter(figures.values()))
    print(f"\n## {title}")
    print(f"{'':26} {'wall s':>8} {'ratio':>6} {'cpu s':>8} {'peak MB':>8} {'rows/s':>9}")
    for name, each in figures.items():
        rate = f"{rows / each.wall:9.0f}" if rows else ""
        ratio = each.wall / floor.wall
        print(f"{name:26} {each.wall:8.3f} {ratio:6.2f} {each.cpu:8.3f} {each.peak:8.0f} {rate}")
    sys.stdout.flush()


MEASUREMENTS = {
    "buckets": buckets,
    "speed": speed,
    "latency": latency,
    "memory": memory,
    "startup": startup,
    "postgres": postgres,
}


def main() -> None:
    """Measure what is named, else all."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("what", nargs="*", choices=[*MEASUREMENTS, []], default=[])
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--sets", default="12,102")
    typed = parser.parse_args()
    with service() as url, tempfile.TemporaryDirectory() as folder:
        bench = Bench(url, Path(folder), typed.runs)
        for name in typed.what or MEASUREMENTS:
            MEASUREMENTS[name](bench, typed.sets.split(","))


if __name__ == "__main__":
    main()
