"""A ClickHouse of one's own, in a folder, on a port of 127.0.0.1."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

import requests
from program import PATIENCE
from shells import need
from wire import free_port

CONFIG = """<yandex>
<logger><level>warning</level><log>{home}/log</log><errorlog>{home}/errors</errorlog></logger>
<http_port>{port}</http_port><tcp_port>{tcp}</tcp_port><interserver_http_port>{other}</interserver_http_port>
<listen_host>127.0.0.1</listen_host>
<path>{home}/data/</path><tmp_path>{home}/tmp/</tmp_path><user_files_path>{home}/files/</user_files_path>
<users_config>users.xml</users_config><default_profile>default</default_profile>
<default_database>default</default_database><mark_cache_size>5368709120</mark_cache_size>
<timezone>America/New_York</timezone>
{more}</yandex>"""
HTTPS = """<https_port>{port}</https_port>
<openSSL><server><certificateFile>{pem}</certificateFile><privateKeyFile>{pem}</privateKeyFile>
<verificationMode>none</verificationMode></server></openSSL>
"""
USERS = """<yandex><profiles><default/></profiles><users>
<default><password></password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></default>
<loader><password>c1ick-secret</password><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota></loader>
</users><quotas><default/></quotas></yandex>"""


@contextmanager
def clickhouse(https=None, certificate=None):
    """Serve databases; yield the port of HTTP. With a certificate there is a port of HTTPS too."""
    beside = "/usr/sbin/clickhouse-server"  # where Debian keeps it, off the path
    server = beside if Path(beside).exists() else need("clickhouse-server")
    home, port = Path(tempfile.mkdtemp(prefix="ch")), free_port()
    more = HTTPS.format(port=https, pem=certificate) if https else ""
    config = CONFIG.format(home=home, port=port, tcp=free_port(), other=free_port(), more=more)
    (home / "config.xml").write_text(config)
    (home / "users.xml").write_text(USERS)
    process = subprocess.Popen(
        [server, f"--config-file={home}/config.xml"],
        cwd=home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _await(process, port, home)
        yield port
    finally:
        process.kill()
        process.wait()
        shutil.rmtree(home, ignore_errors=True)


def _await(process, port, home):
    until = monotonic() + PATIENCE
    while monotonic() < until and process.poll() is None:
        with suppress(requests.ConnectionError):
            if requests.get(f"http://127.0.0.1:{port}/ping", timeout=5).content == b"Ok.\n":
                return
        sleep(0.05)
    log = home / "errors"
    raise AssertionError(log.read_text() if log.exists() else "clickhouse-server did not start")
