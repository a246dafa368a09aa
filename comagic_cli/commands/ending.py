"""What is told once an export has ended, on a terminal only."""

from __future__ import annotations

import sys

from comagic_cli.commands.resuming import Form, Run
from comagic_cli.commands.streams import tell

ROWS_ON_A_TERMINAL = 50


def tell_of_table(run: Run, form: Form) -> None:
    """Say on a terminal what a table does not show: columns, and rows beyond the first."""
    if sys.stderr is None or not sys.stderr.isatty():
        return
    for line in getattr(run.sink.inner, "remark", "").splitlines():
        tell(line)
    if form.capped and run.sink.rows >= ROWS_ON_A_TERMINAL:
        _tell_how_many(run.sink.rows, run.pager.matching)


def _tell_how_many(written: int, matching: int | None) -> None:
    if matching is None:
        tell(f"The first {written} rows. More of them: --max-rows N, or -o FILE.")
    elif matching > written:
        tell(f"{written} of {matching} rows. All of them: --max-rows {matching}, or -o FILE.")
