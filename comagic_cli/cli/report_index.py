"""What `--help` and completion need of the catalogue, read with what is quick to load."""

from __future__ import annotations

import json
import os.path
from functools import cache
from typing import Any

from comagic_cli import query


@cache
def reports() -> dict[str, dict[str, Any]]:
    """Return the reports that can be exported, by command, in the catalogue's order."""
    path = os.path.join(os.path.dirname(query.__file__), "reports.json")  # noqa: PTH118, PTH120 - pathlib takes 3 ms
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the same
        entries = json.load(file)
    return {entry["command"]: entry for entry in entries}


def guessed_type(entry: dict[str, Any]) -> str:
    """Return the type of a report that the catalogue has none of: its method tells."""
    return str(entry["method"]).removeprefix("get.")
