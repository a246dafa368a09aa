"""What is wanted of a report: what was typed, and what was saved in the web account."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.commands.columns import with_columns
from comagic_cli.commands.entities import own_params
from comagic_cli.commands.looks import with_needed
from comagic_cli.commands.options import ExportOptions
from comagic_cli.request.catalog import ReportType
from comagic_cli.request.choice import Wish, make_wish
from comagic_cli.request.filters import Filter


def wish_of(report: ReportType, options: ExportOptions) -> Wish:
    """Read and check what was typed. Raises `UsageProblem`.

    The account is asked only for its columns, and only where a field is one that it may have.
    """
    extra = own_params(report, options)
    filter_ = Filter(options.where)

    def make(known: ReportType) -> Wish:
        return make_wish(known, options.fields, options.sort, filter_)

    wish = replace(with_columns(report, make, options), extra=extra)
    return with_needed(wish, options)
