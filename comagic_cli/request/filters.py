"""Filters as typed, before they are read: see `expressions` and `given`."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec

from comagic_cli.errors import UnknownField, UsageProblem
from comagic_cli.request.catalog import ReportType
from comagic_cli.request.periods import Now
from comagic_cli.request.trees import FLATTER, TooDeep, Tree, fields_of, joined, two_levels

if TYPE_CHECKING:
    from comagic_cli.request.given import Given


class Filter(msgspec.Struct, frozen=True):
    """What rows are wanted, before the account's time is known.

    `where` are expressions as typed; `given` are trees, not checked yet. All are joined by `and`.
    """

    where: tuple[str, ...] = ()
    given: tuple[Given, ...] = ()

    def tree(self, report: ReportType, now: Now) -> Mapping[str, Any] | None:
        """Return the filter to send, or none; `now` is asked for relative dates, once.

        Raises `UsageProblem`, with the place, for what can't be understood or sent; `UnknownField`
        only where there is nothing else.
        """
        if not (self.where or self.given) or not (parts := self._parts(report, cache(now))):
            return None
        try:
            return two_levels(joined("and", parts))
        except TooDeep as deep:
            origins = dict.fromkeys([*(given.origin for given in self.given), "--where"])
            message = f"{', '.join(origins)}: joined by and, it is nested too deeply: "
            raise UsageProblem(f"{message}{deep}", hint=FLATTER) from None

    def _parts(self, report: ReportType, now: Now) -> list[Tree]:
        """Read and check all that are to be joined."""
        # The languages of filters are loaded where there is a filter.
        from comagic_cli.request.expressions import read_expression  # noqa: PLC0415
        from comagic_cli.request.given import checked  # noqa: PLC0415

        unknown: list[UnknownField] = []
        trees = [checked(given, report, unknown) for given in self.given]
        parts = [tree for tree in trees if tree is not None]
        parts += [read_expression(text, report, now, unknown) for text in self.where]
        if unknown:
            raise unknown[0]
        return parts

    @property
    def asked(self) -> list[str]:
        """Return what was asked: relative dates stay as they were typed."""
        return [*(given.asked for given in self.given if not given.is_empty), *self.where]

    def fields(self, report: ReportType) -> list[str]:
        """Name the fields that are filtered by."""
        tree = self.tree(report, _some_time)
        return sorted(fields_of(tree)) if tree else []

    def check(self, report: ReportType) -> None:
        """Find what is wrong without asking the time. Raises `UsageProblem`."""
        self.tree(report, _some_time)


def _some_time() -> datetime:
    """Stand in for the time where it does not matter."""
    return datetime(2026, 1, 1, tzinfo=UTC)


NO_FILTER = Filter()
