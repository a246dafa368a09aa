"""Clouds: buckets of S3, Google Cloud and Azure, through the package obstore.

Credentials and endpoints come from the environment and, for S3, the files of `aws configure`.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from configparser import ConfigParser
from configparser import Error as ConfigError
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any, TypeAlias, TypeVar
from urllib.parse import urlsplit

from comagic_cli.errors import (
    CannotWrite,
    ComagicError,
    NetworkFailure,
    UsageProblem,
    install_command,
)
from comagic_cli.files.output import scheme_of

Redact: TypeAlias = Callable[[str], str]
Version: TypeAlias = Mapping[str, str]
"""What tells an object from the one that replaces it."""
Result = TypeVar("Result")

STORES = {"s3": "S3Store", "gs": "GCSStore", "az": "AzureStore"}
"""The class of obstore for each scheme."""
SECRET = re.compile(r"(AWS|AZURE|GOOGLE)_.*(KEY|TOKEN|SECRET|CONNECTION_STRING|SAS)")
"""The environment's variables that are secrets."""
PUBLIC = re.compile(r".*_(FILE|PATH|URI|KMS_KEY_ID)|AWS_SSE_BUCKET_KEY_ENABLED")
"""Variables that only look like secrets."""
ENDPOINTS = {
    "s3": ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT"),
    "gs": ("GOOGLE_BASE_URL",),
    "az": ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT"),
}
VARIABLES = {
    "s3": (
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
        *("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"),
    ),
    "gs": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_SERVICE_ACCOUNT", "GOOGLE_BASE_URL"),
    "az": (
        *("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_SAS_TOKEN"),
        *("AZURE_STORAGE_ENDPOINT", "AZURE_STORAGE_USE_EMULATOR"),
    ),
}
"""The variables that are passed on; obstore finds those of roles and encryption by itself."""
CREDENTIALS = {
    "s3": "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run aws configure.",
    "gs": "Set GOOGLE_APPLICATION_CREDENTIALS to the key file of a service account.",
    "az": "Set AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY.",
}
SIGNS_IN_BY = ("role_arn", "sso_session", "sso_start_url", "credential_process", "login_session")
"""Settings of a profile of AWS that obstore can't follow."""
EXPORT_CREDENTIALS = 'Run: eval "$(aws configure export-credentials --format env)"'

PAUSES = (0.5, 1, 2, 4, 8, 16)  # seconds between attempts
SINGLE = 5_000_000_000  # bytes; what is longer can't be put in one request
PART = 64 << 20  # bytes; of what is longer
TIMEOUT = 60  # seconds for a request, besides its bytes
SLOWEST = 50_000  # bytes in a second
CONNECT = timedelta(seconds=10)

NO_BUCKET = "Create it, or check its name and AWS_ENDPOINT_URL."
NO_CONTAINER = "Create it, or check its name and that of the storage account."
WRONG_KEY = "Check the key, its secret and, if it is temporary, that it has not expired."
NO_RIGHT = "The key needs the rights to list, read, write and delete objects there."
CLOCK = "The clock of this machine is wrong by minutes: set it."
REGION = "Set AWS_REGION to the bucket's region, and AWS_ENDPOINT_URL to its service."
REASONS = {
    "NoSuchBucket": ("there is no such bucket", NO_BUCKET),
    "ContainerNotFound": ("there is no such container", NO_CONTAINER),
    "InvalidAccessKeyId": ("the access key is not known", WRONG_KEY),
    "SignatureDoesNotMatch": ("the secret key is wrong", WRONG_KEY),
    "InvalidToken": ("the session token is not valid", WRONG_KEY),
    "ExpiredToken": ("the session token has expired", WRONG_KEY),
    "AuthenticationFailed": ("the key is not accepted", WRONG_KEY),
    "AccessDenied": ("it is not allowed", NO_RIGHT),
    "AuthorizationFailure": ("it is not allowed", NO_RIGHT),
    "AuthorizationPermissionMismatch": ("it is not allowed", NO_RIGHT),
    "RequestTimeTooSkewed": ("the service's clock shows another time", CLOCK),
    "RequestExpired": ("the service's clock shows another time", CLOCK),
    "PermanentRedirect": ("the bucket is in another region", REGION),
    "AuthorizationHeaderMalformed": ("the bucket is in another region", REGION),
    "QuotaExceeded": ("the quota is used up", "Delete what is not needed, or raise the quota."),
}
"""What codes of the services mean, and what to do."""
STATUSES = {"401": REASONS["AuthenticationFailed"], "403": REASONS["AccessDenied"]}
CODE = re.compile(r"<Code>(\w+)</Code>")
STATUS = re.compile(r"status code: (\d{3})")
METADATA = re.compile(
    r"169\.254\.\d+\.\d+|fd00:ec2::254|metadata\.google|[Mm]issing ?[Cc]redential"
)
"""Where obstore asks for credentials when there are none: this is not a machine of a cloud."""
TRANSIENT = frozenset({"408", "429", "500", "502", "503", "504"})
SLOW_CLIENT = "RequestTimeout"  # the code of S3 for bytes that did not come, with status 400


def is_bucket(target: str | None) -> bool:
    """Check if an output is the URL of an object in a bucket."""
    return scheme_of(target) in STORES


def split_url(url: str) -> tuple[str, str, str]:
    """Return scheme, bucket and key of a URL. Raises `UsageProblem`, without showing a password."""
    scheme, (bucket, _, key) = scheme_of(url), url.partition("://")[2].partition("/")
    if not bucket or "@" in bucket or ":" in bucket:
        raise UsageProblem(
            f"-o {scheme}://...: a bucket's name is expected after //",
            hint=f"Example: -o {scheme}://BUCKET/calls.csv. Credentials come from the environment, "
            "see comagic help buckets.",
        )
    return scheme, bucket, key


class Unconditional(CannotWrite):
    """The service has no puts that depend on what is there."""


@dataclass
class Bucket:
    """A bucket: objects are put whole, read, listed and deleted; failed requests are repeated.

    `environ` is the environment, `redactor` makes a function that masks secrets. With `patience`,
    in seconds, a request that lasts longer is given up, and none is repeated. Raises
    `UsageProblem` for wrong settings, `CannotWrite` for refusals, `NetworkFailure`.
    """

    scheme: str
    name: str
    environ: Mapping[str, str]
    redactor: Callable[[tuple[str, ...]], Redact]
    note: Callable[[str], None]
    sleep: Callable[[float], None]
    patience: float | None = None

    def __post_init__(self) -> None:
        if find_spec("obstore") is None:
            raise UsageProblem(
                f"Writing to {self.scheme}:// needs the package obstore.",
                hint=install_command("obstore"),
            )
        environ, known = self.environ, VARIABLES[self.scheme]
        self._config = {name.lower(): environ[name] for name in known if environ.get(name)}
        self._config |= dict(_CONFIGS[self.scheme](environ))
        self._redact = self.redactor(tuple(_secrets(self.environ, self._config)))
        self._endpoint = _find_endpoint(self.scheme, self.environ, self._config)
        self._clients: dict[int, Any] = {}

    @property
    def url(self) -> str:
        """Return the URL of the bucket."""
        return f"{self.scheme}://{self.name}"

    def put(
        self,
        key: str,
        data: bytes,
        *,
        version: Version | None = None,
        is_new: bool = False,
        pauses: tuple[float, ...] = PAUSES,
    ) -> Version | None:
        """Put a small object; return its version. Try again after so many seconds.

        With `is_new` it replaces no object, with a `version` only that: `None` where there is
        another, which an earlier try may have put. Raises `Unconditional` where the service can't.
        """
        from obstore.exceptions import (  # noqa: PLC0415 - an optional package
            AlreadyExistsError,
            PreconditionError,
        )

        mode: Any = "create" if is_new else dict(version) if version else "overwrite"
        try:
            return self._call(
                f"{self.url}/{key} can't be written",
                lambda: _version(_obstore().put(self._client(), key, data, mode=mode)),
                passes=(AlreadyExistsError, PreconditionError, FileNotFoundError),
                pauses=pauses,
            )
        except (AlreadyExistsError, PreconditionError):
            return None
        except FileNotFoundError as error:  # the version to replace, or the bucket
            if version:
                return None
            raise self._explain(f"{self.url}/{key} can't be written", error) from error

    def put_file(self, key: str, path: Path) -> None:
        """Put a file whole, in one request up to 5 GB: so a killed run leaves no parts of it."""
        size = path.stat().st_size

        def put() -> None:
            client = self._client(TIMEOUT + size // SLOWEST)
            if size > SINGLE:
                part = max(PART, size // 5_000)
                _obstore().put(client, key, path, chunk_size=part, max_concurrency=4)
                return
            with path.open("rb") as file:
                # It is not closed here: where a signal ends the wait, it is still being read.
                data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
                _obstore().put(client, key, data, use_multipart=False)

        self._call(f"{self.url}/{key} can't be written", put)

    def get(self, key: str) -> tuple[bytes, Version] | None:
        """Return the bytes and version of a small object; `None` if there is none."""

        def get() -> tuple[bytes, Version]:
            answer = _obstore().get(self._client(), key)
            return bytes(answer.bytes()), _version(answer.meta)

        return self._find(key, get)

    def get_file(self, key: str, path: Path) -> bool:
        """Copy an object to a file; return whether there is one."""

        def get() -> bool:
            size = _obstore().head(self._client(), key)["size"]
            answer = _obstore().get(self._client(TIMEOUT + size // SLOWEST), key)
            with path.open("wb") as file:
                for chunk in answer.stream():
                    file.write(chunk)
            return True

        return bool(self._find(key, get))

    def list(self, folder: str, *, below: bool) -> Iterator[tuple[str, int]]:
        """Yield key and size of each object in a folder, with `below` also in its folders."""

        def listed() -> list[tuple[str, int]]:
            client, prefix = self._client(), folder.rstrip("/") or None
            if not below:
                found = _obstore().list_with_delimiter(client, prefix)["objects"]
                return [(each["path"], each["size"]) for each in found]
            chunks = _obstore().list(client, prefix, chunk_size=1000)
            return [(each["path"], each["size"]) for chunk in chunks for each in chunk]

        yield from self._call(f"{self.url}/{folder} can't be listed", listed)

    def delete(self, key: str, pauses: tuple[float, ...] = PAUSES) -> None:
        """Delete an object, if there is one; try again after so many seconds."""
        with suppress(FileNotFoundError):
            self._call(
                f"{self.url}/{key} can't be deleted",
                lambda: _obstore().delete(self._client(), key),
                passes=(FileNotFoundError,),
                pauses=pauses,
            )

    def _find(self, key: str, get: Callable[[], Result]) -> Result | None:
        action = f"{self.url}/{key} can't be read"
        try:
            return self._call(action, get, passes=(FileNotFoundError,))
        except FileNotFoundError as error:
            if "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error):
                raise self._explain(action, error) from error
            return None

    def _call(
        self,
        action: str,
        call: Callable[[], Result],
        passes: tuple[type[Exception], ...] = (),
        pauses: tuple[float, ...] = PAUSES,
    ) -> Result:
        """Call obstore, again after failures that may pass; `passes` are raised as they are."""
        for pause in (*(pauses if self.patience is None else ()), None):
            try:
                return _wait_for(call, self.patience)
            except passes:
                raise
            except ComagicError:
                raise
            except Exception as error:  # noqa: BLE001 - obstore has many; texts may have secrets
                if pause is None or not _may_pass(error):
                    raise self._explain(action, error) from None
                self.note(f"{action}: trying again, because {self._text(error)}")
                self.sleep(pause)
        raise AssertionError

    def _client(self, timeout: int = TIMEOUT) -> Any:
        """Return the client whose requests may last so many seconds, or up to twice as long."""
        seconds = 1 << timeout.bit_length()
        if seconds not in self._clients:
            options = {
                "allow_http": self._endpoint.startswith("http:"),
                "connect_timeout": CONNECT,
                "timeout": timedelta(seconds=seconds),
            }
            make = getattr(import_module("obstore.store"), STORES[self.scheme])
            try:
                self._clients[seconds] = make(
                    self.name,
                    config=self._config,
                    client_options=options,
                    retry_config={"max_retries": 0},  # see `_call`
                )
            except Exception as error:  # noqa: BLE001 - such as a key file that can't be read
                raise UsageProblem(
                    f"{self.url} can't be opened: {self._text(error)}.",
                    hint=CREDENTIALS[self.scheme],
                ) from None
        return self._clients[seconds]

    def _text(self, error: Exception) -> str:
        """Return what an error says on one line, without secrets."""
        text = str(error).partition("\n\nDebug source")[0]
        text = re.sub(r"<[^>]*>", " ", CODE.sub(r"\1: ", text))
        return " ".join(self._redact(text).split())[:300].rstrip(". ")

    def _explain(self, action: str, error: Exception) -> ComagicError:
        """Return the error to raise: what can't be done, why, and what to do."""
        text = str(error)
        code, status = _first(CODE, text), _first(STATUS, text)
        where = f" at {urlsplit(self._endpoint).netloc}" if self._endpoint else ""
        reason, hint = REASONS.get(code) or STATUSES.get(status) or ("", "")
        if status == "501" or type(error).__name__ == "NotSupportedError":
            return Unconditional(f"{action}{where}: {self._text(error)}.")
        if METADATA.search(text):
            return UsageProblem(
                f"{action}: no credentials are found.", hint=CREDENTIALS[self.scheme]
            )
        if reason:
            return CannotWrite(f"{action}{where}: {reason} ({code or status}).", hint=hint)
        if isinstance(error, OSError) and not status:  # of the local file
            return CannotWrite(f"{action}: {error.strerror or self._text(error)}.")
        if _may_pass(error) or not status:
            return NetworkFailure(
                f"{action}{where}: {self._text(error)}.",
                hint="Check the network and the endpoint, and run the same command again.",
            )
        return CannotWrite(f"{action}{where}: {self._text(error)}.")


def _obstore() -> Any:
    return import_module("obstore")


def _version(meta: Mapping[str, Any]) -> Version:
    return {name: meta[name] for name in ("e_tag", "version") if meta.get(name)}


def _first(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[1] if match else ""


def _may_pass(error: Exception) -> bool:
    """Check if a failure may pass: the network, or a service that is busy."""
    text = str(error)
    if status := _first(STATUS, text):
        return status in TRANSIENT or _first(CODE, text) == SLOW_CLIENT
    is_http = "HTTP error" in text or "error decoding response" in text or "body" in text
    return is_http and not METADATA.search(text)


def _wait_for(call: Callable[[], Result], seconds: float | None) -> Result:
    """Call in a thread, so that a signal ends the wait: obstore itself heeds none.

    Raises `TimeoutError` after so many seconds.
    """
    future: Future[Result] = Future()

    def work() -> None:
        try:
            future.set_result(call())
        except BaseException as error:  # noqa: BLE001 - it is raised by `result`
            future.set_exception(error)

    Thread(target=work, daemon=True).start()
    return future.result(seconds)


# Settings.


def _find_endpoint(scheme: str, environ: Mapping[str, str], config: Mapping[str, str]) -> str:
    """Return the endpoint, "" for the cloud's own. Raises `UsageProblem` for plain HTTP."""
    name = next((name for name in ENDPOINTS[scheme] if environ.get(name)), "")
    endpoint = environ[name] if name else config.get("endpoint", "")
    if not endpoint:
        is_emulated = scheme == "az" and environ.get("AZURE_STORAGE_USE_EMULATOR", "") in EMULATOR
        return "http://127.0.0.1" if is_emulated else _emulator_of(environ) * (scheme == "gs")
    parts = urlsplit(endpoint)
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise UsageProblem(
            f"{name or 'the endpoint'} must begin with https://; http:// is for this machine only",
            hint="The rows would cross the network in plain text.",
        )
    return endpoint


EMULATOR = frozenset({"true", "True", "1"})


def _emulator_of(environ: Mapping[str, str]) -> str:
    """Return the address in a key file of Google that names an emulator on this machine."""
    path = environ.get("GOOGLE_APPLICATION_CREDENTIALS") or environ.get("GOOGLE_SERVICE_ACCOUNT")
    text = ""
    if path:
        with suppress(OSError, UnicodeDecodeError):
            text = Path(path).read_text(encoding="utf-8")
    found = _first(re.compile(r'"gcs_base_url"\s*:\s*"([^"]*)"'), text)
    return found if _is_loopback(urlsplit(found).hostname) else ""


def _is_loopback(host: str | None) -> bool:
    with suppress(ValueError):
        return ip_address(host or "").is_loopback
    return host == "localhost"


def _read_aws(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the settings of the profile in `~/.aws`, unless the environment has them."""
    if environ.get("AWS_ACCESS_KEY_ID"):
        return
    found = _read_aws_profile(environ)
    settings = {
        "aws_access_key_id": ("access_key_id", ()),
        "aws_secret_access_key": ("secret_access_key", ()),
        "aws_session_token": ("session_token", ()),
        "region": ("region", ("AWS_REGION", "AWS_DEFAULT_REGION")),
        "endpoint_url": ("endpoint", ENDPOINTS["s3"]),
    }
    for theirs, (ours, variables) in settings.items():
        if theirs in found and not any(environ.get(name) for name in variables):
            yield ours, found[theirs]


def _read_aws_profile(environ: Mapping[str, str]) -> dict[str, str]:
    """Read a profile from both files of AWS. Raises `UsageProblem` if it is of no use here."""
    home = Path(environ.get("HOME") or Path.home(), ".aws")
    profile = environ.get("AWS_PROFILE") or "default"
    own = ConfigParser(interpolation=None)
    files = (
        (environ.get("AWS_CONFIG_FILE") or home / "config", f"profile {profile}"),
        (environ.get("AWS_SHARED_CREDENTIALS_FILE") or home / "credentials", profile),
    )
    found = dict[str, str]()
    for path, section in files:
        try:
            own.read(path, encoding="utf-8")
        except (ConfigError, UnicodeDecodeError, OSError):
            raise UsageProblem(
                f"{path} can't be read: it is not a file of aws configure."
            ) from None
        for name in (profile, section):
            if own.has_section(name):
                found |= dict(own.items(name))
    if not found and environ.get("AWS_PROFILE"):
        raise UsageProblem(f"AWS_PROFILE: there is no profile {profile} in {home}.")
    if "aws_access_key_id" not in found and (by := set(SIGNS_IN_BY) & set(found)):
        raise UsageProblem(
            f"The profile {profile} of AWS signs in by {min(by)}, which needs the program aws.",
            hint=EXPORT_CREDENTIALS,
        )
    return found


def _read_azure(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the settings that the program az reads and obstore does not."""
    pairs = environ.get("AZURE_STORAGE_CONNECTION_STRING", "").split(";")
    parts = dict(pair.partition("=")[::2] for pair in pairs if pair)
    names = {
        "account_name": parts.get("AccountName") or environ.get("AZURE_STORAGE_ACCOUNT"),
        "account_key": parts.get("AccountKey") or environ.get("AZURE_STORAGE_KEY"),
        "sas_key": parts.get("SharedAccessSignature"),
        "endpoint": parts.get("BlobEndpoint"),
    }
    yield from ((name, value) for name, value in names.items() if value)


def _read_google(environ: Mapping[str, str]) -> Iterator[tuple[str, str]]:  # noqa: ARG001 - as others
    """Yield nothing: obstore reads all that Google's programs do."""
    yield from ()


_CONFIGS = {"s3": _read_aws, "gs": _read_google, "az": _read_azure}


def _secrets(environ: Mapping[str, str], config: Mapping[str, str]) -> Iterator[str]:
    """Yield all that must be masked."""
    for name, value in environ.items():
        if value and SECRET.fullmatch(name) and not PUBLIC.fullmatch(name):
            yield value
    yield from (config[name] for name in config if "key" in name or "token" in name)
