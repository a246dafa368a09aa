"""What is told once an export has ended, on a terminal or by --verbose."""

from __future__ import annotations

from comagic_cli.cli.console import (
    Progress,
    at_terminal,
    days_of,
    left_of,
    points_word,
    rows_of,
    sized,
    spaced,
    tell,
)
from comagic_cli.cli.options import ExportOptions
from comagic_cli.commands.resuming import Form, Run
from comagic_cli.commands.service import Service
from comagic_cli.query.period import Period

ROWS_ON_A_TERMINAL = 50
INVENTED = "invented data of the sandbox"


def tell_end(run: Run, form: Form, options: ExportOptions) -> None:
    """Say what came of an export: rows, period, file, points and time; and what a table hides."""
    if options.quiet or not (options.verbose or at_terminal()):
        return
    for line in getattr(run.sink.inner, "remark", "").splitlines():
        tell(line)
    record, seconds = run.record(), run.service.progress.seconds
    file = run.part.name if run.part else None
    if form.capped and record.rows >= ROWS_ON_A_TERMINAL:
        _tell_how_many(record.rows, run.pager.matching)
    if options.where and not record.rows:
        name = run.pager.query.report.command
        tell(f"No row fits --where. The values of a list: comagic filters {name} FIELD.")
    parts = [
        rows_of(record.rows),
        " to ".join(dict.fromkeys(time[:10] for time in record.period)),
        *([f"{file} ({sized(record.bytes)})"] if file else []),
        *spent(record.points, run.service.progress),
    ]
    told = {name: getattr(record, name) for name in ("rows", "period", "bytes", "points")}
    parts += [INVENTED] if options.sandbox else []
    tell(f"{', '.join(parts)}.", **told, file=file, seconds=round(seconds, 3))


def tell_counted(rows: int, period: Period, service: Service, files: str = "") -> None:
    """Say what a chart took to count, or several files to write."""
    options, progress = service.options, service.progress
    if options.quiet or not (options.verbose or at_terminal()):
        return
    points = service.client.calls
    days = days_of(period.start, period.end)
    parts = [rows_of(rows), days, *([files] if files else []), *spent(points, progress)]
    told = {"rows": rows, "points": points, "seconds": round(progress.seconds, 3)}
    parts += [INVENTED] if options.sandbox else []
    tell(f"{', '.join(parts)}.", **told)


def spent(calls: int, progress: Progress) -> list[str]:
    """Say how many points an export took, how many are left, and how long it took."""
    left = [left_of(progress.points)] if progress.points else []
    return [f"{points_word(calls)} spent", *left, lasted(progress.seconds)]


def _tell_how_many(written: int, matching: int | None) -> None:
    """Say how many rows there are beyond those shown."""
    if matching is None:
        tell(f"The first {written} rows. More of them: --max-rows N, or -o FILE.")
    elif matching > written:
        tell(
            f"{written} of {spaced(matching)} rows. All of them: --max-rows {matching}, or -o FILE."
        )


def lasted(seconds: float) -> str:
    """Say how long it took."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"
