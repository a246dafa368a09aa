"""README is run: every block that can be, section by section, as it is pasted."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys

import duckdb
import generated
import pytest
from examples import README, run_line
from postgres import postgres
from program import DAYS, Watched, environment, shell
from shells import need

TEXT = README.read_text(encoding="utf-8")
PACKAGE = README.parent / "comagic_cli"
BLOCK = re.compile(r"(?:<!-- ([a-z ]+) -->\n)?```(\w+)\n(.*?)\n```", re.DOTALL)
SECTIONS = {
    part.partition("\n")[0]: [found.groups() for found in BLOCK.finditer(part)]
    for part in re.split(r"(?m)^## ", f"## Head\n{TEXT}")[1:]
}
TO_RUN = [
    name
    for name, blocks in SECTIONS.items()
    if name != "Recipes" and any(not mark and kind in {"sh", "sql"} for mark, kind, _ in blocks)
]
TOOLS = ("jq", "mlr", "sqlite3")
# .ci/run runs the first two; the others ask a person, install, or need what tests don't have.
MARKS = {None, "first run", "test command", "by hand", "clickhouse", "engines"}


@pytest.fixture
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(block):
    """Return the command lines of a block, those that go on below joined."""
    joined = re.sub(r"\\\n\s*", "", block)
    joined = re.sub(r"\|\n\s*", "| ", joined)
    return [re.sub(r"\s{2,}#.*", "", line) for line in joined.splitlines() if line.strip()]


def run_block(comagic, kind, block, folder, **more):
    """Run a block, and return what it printed."""
    if kind == "sql":
        return str(duckdb.sql(block).fetchall())
    if kind == "python":
        done = subprocess.run(
            [sys.executable, "-c", block], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout
    if kind != "sh":
        return ""
    if "<<" in block or "\ncase " in block:
        ran = shell(f"set -euo pipefail\n{block}", environment(folder, **more))
        assert ran.code == 0, f"{block}\n{ran.err}"
        return ran.out
    out = ""
    for line in lines(block):
        ran = run_line(comagic, line, folder, **more)
        assert ran.code == 0, f"{line}\n{ran.err}"
        out += ran.out
    return out


@pytest.mark.parametrize("section", TO_RUN)
def test_the_blocks_of_a_section_work(comagic, own_folder, section):
    with Watched() as box:
        account = {"COMAGIC_BASE_URL": box.url, "COMAGIC_TOKEN": box.token}
        for mark, kind, block in SECTIONS[section]:
            if mark is None and not run_block(comagic, kind, block, own_folder, **account):
                assert kind != "sh" or any(own_folder.iterdir()), block


def test_the_recipes_work_one_after_another(comagic, own_folder):
    for tool in TOOLS:
        need(tool)
    with postgres() as server:
        for mark, kind, block in SECTIONS["Recipes"]:
            if mark is None:
                out = run_block(comagic, kind, block, own_folder, **server)
                assert out or " -o " in block, block
                if "psql" in block:  # The second night adds no row twice.
                    assert run_block(comagic, kind, block, own_folder, **server) == out


@pytest.mark.parametrize("place", [0, 1])
def test_clickhouse_reads_the_recipes(comagic, own_folder, place):
    need("clickhouse-local")
    blocks = [block for mark, _, block in SECTIONS["Recipes"] if mark == "clickhouse"]
    typed = ["calls", "--sandbox", "--period", "7d", "-f", "jsonl", "--flatten"]
    assert comagic(*typed, "-o", "calls.jsonl").code == 0
    out = run_block(comagic, "sh", blocks[place], own_folder)
    counts = dict(line.split("\t") for line in out.splitlines())
    rows = duckdb.sql("from 'calls.jsonl'").fetchall()
    assert (len(blocks), sum(map(int, counts.values()))) == (2, len(rows))
    assert {"Принятый", "Пропущенный"} <= set(counts)


def test_the_table_shown_has_values_of_the_service(comagic):
    (shown,) = [block for _, kind, block in SECTIONS["Try it"] if kind == "text"]
    header, _, *rows = ([cell.strip() for cell in line.split("│")] for line in shown.splitlines())
    types = {row[header.index("communication_type")] for row in rows}
    typed = ["--fields", "communication_type", "-f", "csv", "--header", "none"]
    with Watched() as box:
        ran = comagic("communications", *DAYS, *typed, box=box)
    assert (ran.code, len(types) > 2, types - set(ran.out.splitlines())) == (0, True, set())


@pytest.mark.parametrize("folder", ["export", "paging"])
def test_the_map_of_a_folder_names_its_modules(folder):
    part = TEXT.partition(f"\n  {folder}/ ")[2]
    named = set(re.findall(r"(?m)(?:^    |  )([a-z_]+)  ", re.split(r"\n  [a-z]+/", part)[0]))
    modules = {path.stem for path in (PACKAGE / folder).glob("*.py")} - {"__init__"}
    assert modules == named


def test_all_marks_are_known():
    marks = {mark for blocks in SECTIONS.values() for mark, _, _ in blocks}
    assert marks == MARKS


def test_what_is_generated_is_fresh():
    assert generated.fresh(TEXT) == TEXT, f"type: {generated.COMMAND}"


def test_tsv_is_what_clickhouse_reads(comagic, own_folder):
    """Its escapes are a backslash before t, n, r and itself; a tab and a line end part cells."""
    for name in ("calls.csv", "calls.tsv"):
        assert comagic("calls", "--sandbox", "--period", "7d", "-o", name).code == 0
    text = (own_folder / "calls.tsv").read_bytes().decode()
    plain = {r"\t": "\t", r"\n": "\n", r"\r": "\r", r"\\": "\\"}
    cells = [
        [re.sub(r"\\.", lambda found: plain[found[0]], cell) for cell in line.split("\t")]
        for line in text.removesuffix("\n").split("\n")
    ]
    with (own_folder / "calls.csv").open(encoding="utf-8", newline="") as file:
        assert cells == list(csv.reader(file))


def test_the_profile_shown_is_one(comagic, own_folder, monkeypatch):
    (shown,) = [block for _, kind, block in SECTIONS["Use your account"] if kind == "toml"]
    file = own_folder / "comagic" / "config.toml"
    file.parent.mkdir()
    file.write_text(shown)
    file.chmod(0o600)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(own_folder))
    with Watched() as box:
        ran = comagic("calls", "--profile", "work", *DAYS, "--max-rows", "1", box=box)
    assert (ran.code, ran.err, ran.out.count("\n")) == (0, "", 2)
    assert ran.out.splitlines()[0].startswith("communication_id,")


CRON = [block for blocks in SECTIONS.values() for _, kind, block in blocks if kind == "cron"]
RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


@pytest.mark.parametrize("line", CRON)
def test_a_line_of_cron_is_one_and_its_command_works(comagic, own_folder, line):
    *fields, command = line.split(maxsplit=5)
    for field, (least, most) in zip(fields, RANGES, strict=True):
        assert field == "*" or least <= int(field) <= most
    assert "%" not in command
    ran = run_line(comagic, command.replace("--profile work", "--sandbox"), own_folder)
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert len(list(own_folder.glob("calls/*.csv"))) == 7


def test_every_link_to_a_section_has_one():
    headings = re.findall(r"(?m)^##+ (.*)", TEXT)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
    assert set(re.findall(r"\]\(#([^)]+)\)", TEXT)) <= anchors


def test_jq_reads_what_a_recipe_makes(comagic):
    ran = comagic("calls", "--sandbox", "--period", "yesterday", "--max-rows", "1")
    assert json.loads(ran.out)["call_status"].keys() == {"value", "value_id"}
