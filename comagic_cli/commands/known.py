"""What of a look only the account knows: where its recordings are, its titles."""

from __future__ import annotations

from dataclasses import replace

from comagic_cli.api.endpoints import ask_kind
from comagic_cli.commands.columns import Columns
from comagic_cli.commands.service import Service
from comagic_cli.config.services import BRANDS, DEFAULT
from comagic_cli.errors import UsageProblem
from comagic_cli.formats.base import Look
from comagic_cli.formats.transforms import APPS, web_account
from comagic_cli.query.catalog import ReportType


def complete_look(look: Look, report: ReportType, service: Service) -> Look:
    """Add to a look what it needs of the account, and ask for no more."""
    return replace(
        look,
        web=find_web(look, service) if look.record_urls else "",
        titles=find_titles(report, service) if look.header == "title" else (),
    )


def find_web(look: Look, service: Service) -> str:
    """Return the address of the web account, where recordings are; a sandbox stands for CoMagic's.

    Raises `UsageProblem` where it is not known.
    """
    api = BRANDS[DEFAULT] if service.options.sandbox else service.account.url
    if found := web_account(api, look.record_host):
        return found
    raise UsageProblem(
        f"--record-urls: where the recordings of {api} are is not known",
        hint=f"Name the web account's host: --record-host {APPS['dataapi.comagic.ru']}",
    )


def find_titles(report: ReportType, service: Service) -> tuple[tuple[str, str], ...]:
    """Return the ids and titles of the account's columns, remembered for a day."""
    columns = Columns(service, ask_kind(service.client.call, report, service.options.report_id))
    known = columns.recall()
    return tuple((column.id, column.name) for column in (columns.ask() if known is None else known))
