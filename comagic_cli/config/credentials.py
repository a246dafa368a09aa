"""Credentials of the account: from options, the environment or the profile, in this order."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from comagic_cli.config.private_file import read_secret
from comagic_cli.config.profiles import SAVED_ZONE, Profile
from comagic_cli.config.services import DEFAULT, resolve_service, service_host
from comagic_cli.errors import UsageProblem

VARIABLES = ("COMAGIC_TOKEN", "COMAGIC_TOKEN_FILE", "COMAGIC_LOGIN", "COMAGIC_PASSWORD")
COMMAND_TIMEOUT = 60.0  # seconds; a person may have to type a password for the command
RUN_BY_HAND = "Run the command by hand to see why; what it prints may be secret and is not shown."
NO_PROFILE = Profile()
SHELL = re.compile(r"\|\|?|&&|;|<|[0-9]*>>?(&[0-9]|/dev/null)?;?")  # a word that only a shell knows

Warn: TypeAlias = Callable[[str], None]


def ignore(_warning: str) -> None:
    """Ignore a warning."""


@dataclass(frozen=True, repr=False)
class Login:
    """A login with its password. Both are secrets: `repr` does not show them."""

    login: str
    password: str


@dataclass(frozen=True, repr=False)
class Access:
    """A token, or a login if the token is empty; `profile` is where it is saved, "" for none.

    `repr` does not show the secrets.
    """

    token: str
    login: Login | None = None
    profile: str = ""


@dataclass(frozen=True)
class Account:
    """An account, with its token or its `login`.

    `token` is a secret, which `repr` does not show; with a login it is empty. `zone` is the user's
    choice, `saved_zone` what the service said at login. `profile` is where the credentials are
    saved, "" for none.
    """

    url: str
    token: str
    user_id: int | None = None
    zone: str | None = None
    login: Login | None = None
    saved_zone: str | None = None
    profile: str = ""

    @property
    def owner(self) -> str:
        """Return a text that differs between accounts; it contains a secret."""
        return f"login {self.login.login}" if self.login else self.token

    def __repr__(self) -> str:
        return f"Account(url={self.url!r}, token=***, user_id={self.user_id}, zone={self.zone!r})"


class AccountOptions(Protocol):
    """The options that name an account."""

    @property
    def profile(self) -> Profile:
        """Return the profile in use."""

    @property
    def base_url(self) -> str:
        """Return the service: a URL."""

    @property
    def token_file(self) -> str | None:
        """Return the file with the token."""

    @property
    def user_id(self) -> int | None:
        """Return the user of an agent's customer."""

    @property
    def tz(self) -> str | None:
        """Return the time zone."""


def find_account(
    url: str, options: AccountOptions, environment: Mapping[str, str], warn: Warn = ignore
) -> Account:
    """Find the account that the options name, at the service `url`. Raises `UsageProblem`."""
    access = find_access(options.token_file, environment, options.profile, url=url, warn=warn)
    saved = saved_zone(options, environment)
    return Account(
        url, access.token, options.user_id, options.tz, access.login, saved, access.profile
    )


def saved_zone(options: AccountOptions, environment: Mapping[str, str]) -> str | None:
    """Return the account's zone as login has saved it; `None` where another account is meant."""
    profile = options.profile
    is_same = (
        uses_profile(options.token_file, environment)
        and resolve_service(profile.text("base-url") or DEFAULT) == options.base_url
        and str(profile.values.get("user-id") or None) == str(options.user_id)
    )
    return profile.text(SAVED_ZONE) or None if is_same else None


def find_access(
    token_file: str | None,
    environment: Mapping[str, str],
    profile: Profile = NO_PROFILE,
    *,
    url: str = "",
    warn: Warn = ignore,
) -> Access:
    """Find the credentials.

    The order: `--token-file`, COMAGIC_TOKEN, COMAGIC_TOKEN_FILE, COMAGIC_LOGIN with
    COMAGIC_PASSWORD, the profile. `url` is where they will be sent; "" skips the check of a saved
    token's host. Raises `UsageProblem` if there are none, or half of a login.
    """
    if token_file:
        return Access(read_token(Path(token_file), "--token-file", warn))
    if token := environment.get("COMAGIC_TOKEN", "").strip():
        return Access(_check_token(token, "COMAGIC_TOKEN"))
    if path := environment.get("COMAGIC_TOKEN_FILE", "").strip():
        return Access(read_token(Path(path), "COMAGIC_TOKEN_FILE", warn))
    if login := _login_of(environment):
        return Access("", login)
    if profile.credentials:
        if url:
            check_host(profile, url)
        return _access_of(profile, warn)
    if profile.others:
        raise UsageProblem(
            "there is no token for the account, and no default profile",
            hint=f"Choose a profile with --profile: {', '.join(profile.others)}. "
            f"Or make it the default one: comagic profiles default {profile.others[0]}",
        )
    raise UsageProblem(
        "there is no token for the account",
        hint="Type comagic login, or put the token in COMAGIC_TOKEN or a file for --token-file; "
        "or try --sandbox.",
    )


def uses_profile(token_file: str | None, environment: Mapping[str, str]) -> bool:
    """Return whether the credentials come from the profile: no option and no variable sets any."""
    return not token_file and not any(environment.get(name, "").strip() for name in VARIABLES)


def check_host(profile: Profile, url: str) -> None:
    """Raise `UsageProblem` if a saved token would go to a host that it was not saved for."""
    saved, other = service_host(profile.text("base-url") or DEFAULT), service_host(url)
    if saved != other:
        raise UsageProblem(
            f"the token of profile {profile.name} was saved for {saved}; it is not sent to {other}",
            hint=f"Save a profile for that host: comagic login NAME --base-url {other}. "
            "Or give its token with COMAGIC_TOKEN or --token-file.",
        )


def read_token(path: Path, origin: str, warn: Warn = ignore) -> str:
    """Read a token from a file of the user; warn if other users can read it.

    It is only a warning: all users can read secrets mounted in a container.
    """
    if len(path.parts) == 1 and not os.path.exists(path):  # noqa: PTH110 - Path refuses long names
        raise UsageProblem(
            f"{origin}: there is no such file; its name is not shown, as it may be the token",
            hint="Save the token with comagic login, or put it in a file.",
        )
    text, is_open = read_secret(path, origin)
    if is_open:
        warn(
            f"{origin}: {path} can be read by other users. "
            f"If it is yours: chmod 600 {shlex.quote(str(path))}"
        )
    return _check_token(text.strip(), origin)


def run_token_command(
    command: str | Sequence[str], origin: str, timeout: float = COMMAND_TIMEOUT
) -> str:
    """Run a command and return the first line that it prints. Raises `UsageProblem`.

    No shell is used: a text is split at blanks outside quotes. What the command prints is never
    shown, not even its errors: it may be a secret.
    """
    words = _split(command, origin)
    program, hint = words[0], _shell_hint(command) or RUN_BY_HAND
    try:
        output = _run(words, timeout)
    except OSError as error:
        raise UsageProblem(f"{origin}: {program} can't be run: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise UsageProblem(
            f"{origin}: {program} did not end within {timeout:g} s", hint=hint
        ) from None
    except subprocess.CalledProcessError as error:
        code = error.returncode
        reason = f"signal {-code}" if code < 0 else f"exit code {code}"
        raise UsageProblem(f"{origin}: {program} failed ({reason})", hint=hint) from None
    try:
        return next(iter(output.decode("utf-8-sig").splitlines()), "").strip()
    except UnicodeDecodeError:
        raise UsageProblem(f"{origin}: the output of {program} is not UTF-8 text") from None


def _access_of(profile: Profile, warn: Warn) -> Access:
    """Return the credentials of a profile. Raises `UsageProblem` if it has two kinds."""
    place = profile.place
    match profile.credentials:
        case ["token"]:
            token = _check_token(profile.text("token").strip(), place("token"))
        case ["token-file"]:
            path = profile.file.parent / Path(profile.text("token-file")).expanduser()
            token = read_token(path, place("token-file"), warn)
        case ["token-command"]:
            command = _command_of(profile)
            printed = run_token_command(command, place("token-command"))
            token = _check_token(printed, place("token-command"), _shell_hint(command))
        case ["login", "password"]:
            login = Login(profile.text("login").strip(), profile.text("password"))
            return Access("", login, profile.name)
        case keys:
            raise UsageProblem(
                f"{place()}: it has {' and '.join(keys)}",
                hint="Keep one of token, token-file, token-command, or login and password.",
            )
    return Access(token, profile=profile.name)


def _command_of(profile: Profile) -> str | list[str]:
    command = profile.values["token-command"]
    if isinstance(command, list) and all(isinstance(word, str) for word in command):
        return command
    return profile.text("token-command")


def _login_of(environment: Mapping[str, str]) -> Login | None:
    pair = {name: environment.get(name, "") for name in ("COMAGIC_LOGIN", "COMAGIC_PASSWORD")}
    pair["COMAGIC_LOGIN"] = pair["COMAGIC_LOGIN"].strip()
    missing = [name for name, value in pair.items() if not value]
    if len(missing) == len(pair):
        return None
    if missing:
        present = next(name for name in pair if name not in missing)
        raise UsageProblem(
            f"{present} is set, but {missing[0]} is not",
            hint="Set both, or give a token in COMAGIC_TOKEN or --token-file.",
        )
    for name, value in pair.items():
        if any("\ud800" <= char <= "\udfff" for char in value):  # bytes that are not UTF-8
            raise UsageProblem(f"{name} is not UTF-8 text")
    return Login(*pair.values())


def _check_token(token: str, origin: str, hint: str = "") -> str:
    if not token:
        raise UsageProblem(f"{origin}: the token is empty", hint=hint)
    if len(token.split()) != 1:
        raise UsageProblem(f"{origin}: the token has blanks or line breaks", hint=hint)
    if not token.isprintable():
        raise UsageProblem(f"{origin}: the token has characters that can't be printed", hint=hint)
    return token


def _shell_hint(command: str | Sequence[str]) -> str:
    """Say that there is no shell, if a command has a sign that only a shell knows."""
    words = shlex.split(command) if isinstance(command, str) else command
    sign = next((word for word in words if SHELL.fullmatch(word)), "")
    return f"No shell runs the command, so {sign} means nothing: write sh -c '...'." * bool(sign)


def _split(command: str | Sequence[str], origin: str) -> list[str]:
    try:
        words = shlex.split(command) if isinstance(command, str) else list(command)
    except ValueError:
        raise UsageProblem(f"{origin}: a quote is not closed") from None
    if not words or not words[0]:
        raise UsageProblem(f"{origin}: the command is empty")
    return words


def _run(words: list[str], timeout: float) -> bytes:
    """Return the output of a command; kill it after the timeout, or if we are interrupted."""
    with subprocess.Popen(  # noqa: S603 - the user's own command, and no shell
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            output, _ = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words[0])
    return output
