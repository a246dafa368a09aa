"""A report's own parameters, from what was typed for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from comagic_cli.errors import UsageProblem
from comagic_cli.export.inputs import STDIN, read_text
from comagic_cli.export.options import ExportOptions
from comagic_cli.query.catalog import ReportType
from comagic_cli.query.ids import read_ids

TYPED = "0123456789,;# \t"  # what ids are typed with; anything else is a file's name


def own_params(report: ReportType, options: ExportOptions) -> dict[str, Any]:
    """Return the parameters that the report alone takes. Raises `UsageProblem`."""
    params: dict[str, Any] = {}
    if "is_realtime" in report.params:
        params["is_realtime"] = options.realtime
    if "entity_ids" in report.params:
        headings = {path.split(".")[0] for path in report.key}
        params["entity_ids"] = find_ids(options.ids, headings)
    return params


def find_ids(typed: Iterable[str], headings: Iterable[str] = ()) -> list[int]:
    """Return the ids that were typed or stand in files, each once. Raises `UsageProblem`."""
    words = list(typed)
    if words.count(STDIN) > 1:
        raise UsageProblem("--ids: standard input can be read only once")
    known = frozenset(headings)
    return list(dict.fromkeys(id_ for word in words for id_ in _ids(word, known)))


def _ids(word: str, headings: frozenset[str]) -> Iterator[int]:
    if word == STDIN:
        return read_ids(read_text(STDIN, "--ids"), "--ids: stdin", headings)
    if word and not word.strip(TYPED):
        return read_ids(word, "--ids")
    path = Path(word.removeprefix("@"))
    if not word or (not word.startswith("@") and not path.exists()):
        raise UsageProblem(
            f"--ids: {word!r} is neither an id nor a file",
            hint="Type ids (1,2,3), a file of them, or - for standard input.",
        )
    return read_ids(read_text(str(path), "--ids"), f"--ids: {path}", headings)
