"""What every field of the catalogue is, in English: read only where it is shown."""

from __future__ import annotations

import json
import os.path
from functools import cache

ANY = "any report"


@cache
def descriptions() -> dict[str, dict[str, str]]:
    """Read what the fields are, by report and name; `ANY` has those that mean the same in all."""
    path = os.path.join(os.path.dirname(__file__), "descriptions.json")  # noqa: PTH118, PTH120 - completion is quicker without pathlib
    with open(path, encoding="utf-8") as file:  # noqa: PTH123 - the same
        read: dict[str, dict[str, str]] = json.load(file)
    return read


def about(command: str, name: str) -> str:
    """Say in a few words what a report's field is; "" for one that the catalogue lacks."""
    known = descriptions()
    return known.get(command, {}).get(name) or known[ANY].get(name, "")
