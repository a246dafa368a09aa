"""`comagic recordings` and `comagic transcripts`: calls as files that are heard or read."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import click

from comagic_cli.cli.options import (
    DRY_RUN,
    QUIET,
    VERBOSE,
    choose_from,
    customers_options,
    drop_profile_period,
    help_option,
    make_context,
    output_option,
    query_option,
    query_options,
    read_command_line,
    split_users,
)
from comagic_cli.cli.params import (
    ExportCommand,
    Host,
    LookBack,
    ManifestFile,
    OutputFile,
    PositiveInt,
)
from comagic_cli.errors import UsageProblem
from comagic_cli.export.options import ExportOptions
from comagic_cli.export.recordings.saving import save_recordings
from comagic_cli.export.recordings.transcripts import save_transcripts
from comagic_cli.files.output import BUCKET_SCHEMES, scheme_of


class FileNames(OutputFile):
    """The names of files in folders or in a bucket."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the names. Raises `UsageProblem` for a URL that is not of a bucket."""
        scheme = scheme_of(str(value))
        if scheme and scheme not in BUCKET_SCHEMES:  # it is not shown, as it may have a password
            raise UsageProblem(
                f"-o {scheme}://...: only folders and buckets are written",
                hint="Write a path, or s3://BUCKET/NAME, gs://BUCKET/NAME, az://CONTAINER/NAME.",
            )
        return super().convert(value, param, ctx)


NAMES = "recordings/{date}/{communication_id}-{record_id}.{ext}"
EPILOG = """\b
In -o: {date}, {month}, {time}, {communication_id}, {record_id}, {ext},
{employee}, {phone}, {direction}, {user_id}, {customer}. What is there is
skipped. The manifest, recordings/recordings.jsonl, has a row for
each recording: ids, time, phones, employees, path, bytes, SHA-256, state.
The exit code is 3 while some are missing; the next run tries them again.
For a bucket, write s3://BUCKET/ before the name; see comagic help buckets.

\b
--where takes the fields of calls, or of calls-report. Calls are read from
calls-report where the account has only that, and for --audio wav and
--voice-mail; a filter is translated. The token is sent only where the
service refuses recordings without it, and to no other host."""
EPILOG_OF_TRANSCRIPTS = """\b
Each transcript costs a point; only calls with recordings are asked for, and
texts that are there are skipped. In -o: {date}, {month}, {time},
{communication_id}, {employee}, {phone}, {direction}, {user_id}, {customer}.
For a bucket, write s3://BUCKET/ before the name; see comagic help buckets.
--where takes the fields of calls, or of calls-report."""
CHOSEN = ("fields", "sort", "as_saved")  # options that a command decides itself
MAX_CALLS = query_option(
    "--max-rows", metavar="N", type=PositiveInt(), help="Look at no more than N calls."
)


@click.command(cls=ExportCommand, epilog=EPILOG)
@query_options
@MAX_CALLS
@output_option(
    *("--output", "-o"),
    metavar="NAMES",
    type=FileNames(),
    default=NAMES,
    help=f"The names of the files. [default: {NAMES}]",
)
@output_option("--audio", metavar="KIND", **choose_from("mp3", "wav"), help="mp3 or wav.")
@output_option("--voice-mail", "with_voice_mail", is_flag=True, help="Also voice mail.")
@output_option(
    "--refresh",
    metavar="D",
    type=LookBack(),
    help="Also what was missing in the last 3d, 2w, 1mo, or all.",
)
@output_option(
    "--manifest",
    metavar="FILE",
    type=ManifestFile(),
    help="The list of recordings, .csv or .jsonl. [default: recordings.jsonl in the folder of -o]",
)
@output_option(
    "--record-host", metavar="HOST", type=Host(), help="Host of the web account, if it is unknown."
)
@DRY_RUN
@QUIET
@VERBOSE
@customers_options
@help_option
def recordings(*, audio: str, with_voice_mail: bool, **values: Any) -> None:
    """Save the recordings of calls as files, mp3 or wav.

    \b
    Examples:
      comagic recordings --sandbox --period yesterday
      comagic recordings --sandbox --where 'call_talk_duration < 30s'
      comagic recordings --sandbox -o '{employee}/{date}-{record_id}.{ext}'
      comagic recordings --sandbox --voice-mail --manifest recordings.csv
    """  # noqa: D301 - \b is Click's
    options = make_options(values)
    save_recordings(options, audio, make_context(options), with_voice_mail=with_voice_mail)


def make_options(values: dict[str, Any]) -> ExportOptions:
    """Return the options of an export that chooses calls."""
    nothing: dict[str, Any] = {each.name: None for each in fields(ExportOptions)} | {"params": {}}
    empty = dict.fromkeys(("fields", "sort", "ids", "customers"), ())
    typed = split_users(drop_profile_period(values))
    fixed = {**read_command_line(), "as_saved": False}
    return ExportOptions(**(nothing | empty | typed | fixed))


@click.command(cls=ExportCommand, epilog=EPILOG_OF_TRANSCRIPTS)
@query_options
@MAX_CALLS
@output_option(
    *("--output", "-o"),
    metavar="FILE",
    type=FileNames(),
    help="A file of JSON Lines (- is stdout); {communication_id}.txt: one text each.",
)
@DRY_RUN
@QUIET
@VERBOSE
@customers_options
@help_option
def transcripts(**values: Any) -> None:
    """Write what was said in calls, as the service recognized it.

    \b
    Examples:
      comagic transcripts --sandbox --period yesterday --max-rows 20
      comagic transcripts --sandbox --period yesterday -o transcripts.jsonl
      comagic transcripts --sandbox -o 'recordings/{date}/{communication_id}.txt'
    """  # noqa: D301 - \b is Click's
    options = make_options(values)
    save_transcripts(options, make_context(options))


JOBS = {recordings: "Downloads at once, 1 to 16.", transcripts: "API calls at once, 1 to 16."}
for _command, _jobs in JOBS.items():
    _command.params = [param for param in _command.params if param.name not in CHOSEN]
    for _param in _command.params:
        if isinstance(_param, click.Option) and _param.name == "jobs":
            _param.help = _jobs
