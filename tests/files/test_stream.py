from __future__ import annotations

import os
import subprocess
import sys

from comagic_cli.files.output import open_output
from comagic_cli.files.stream import Output


def test_a_stream_writes_all_even_where_a_pipe_takes_some():
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    rows = b"0123456789" * 30_000
    code = "sys.stdout.buffer.write(sys.stdin.buffer.read())"
    with open(writer, "wb", buffering=0) as raw, open(reader, "rb") as source:  # noqa: PTH123 - descriptors
        command = [sys.executable, "-c", f"import sys; {code}"]
        with subprocess.Popen(command, stdin=source, stdout=subprocess.PIPE) as process:
            assert Output(raw, "pipe").write(memoryview(rows)) == len(rows)
            raw.close()
            assert process.stdout.read() == rows


def test_a_stream_says_what_it_is(tmp_path):
    target = tmp_path / "out.csv"
    with open_output(str(target)) as stream:
        assert stream.writable()
        assert stream.name == str(target)
        assert os.fstat(stream.fileno()).st_size == 0
        assert stream.write(b"") == 0
        stream.flush()
