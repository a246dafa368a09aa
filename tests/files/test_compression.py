from __future__ import annotations

import gzip
import sys

import pytest
import zstandard
from outputs import NEW, names, write

from comagic_cli.errors import UsageProblem, install_command
from comagic_cli.files import compression as packing
from comagic_cli.files.output import open_output


def test_gzip_holds_neither_name_nor_time(tmp_path):
    packed = []
    for name in ("a.csv.gz", "b.jsonl.GZ"):
        write(tmp_path / name)
        packed.append((tmp_path / name).read_bytes())
    assert packed[0] == packed[1]
    assert gzip.decompress(packed[0]) == NEW
    assert packed[0][3:8] == bytes(5)  # no flags, so no name; time zero


def test_zst_without_anything_to_write_it_is_told_first(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "compression", None)
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(UsageProblem) as caught, open_output(str(tmp_path / "out.csv.zst")):
        pytest.fail("it was opened")
    assert caught.value.hint == f"{install_command('zstandard')}, or write .gz."
    assert names(tmp_path) == []


# What lies in the environment of the program, and the command that adds a package there.
PLACES = [
    ("pipx_metadata.json", "/usr/bin/python", "pipx inject comagic pyarrow"),
    ("uv-receipt.toml", "/usr/bin/python", "uv tool install --with pyarrow comagic"),
    ("pyvenv.cfg", "/my project/bin/python", "'/my project/bin/python' -m pip install pyarrow"),
    ("pyvenv.cfg", "/usr/bin/python", "/usr/bin/python -m pip install pyarrow"),
]


@pytest.mark.parametrize(("file", "python", "command"), PLACES)
def test_the_command_that_installs_a_package_is_for_this_environment(
    tmp_path, file, python, command
):
    (tmp_path / file).touch()
    assert install_command("pyarrow", str(tmp_path), python) == command


@pytest.mark.parametrize("module", ["compression.zstd", "zstandard"])
def test_zst_is_written_by_what_is_there(tmp_path, monkeypatch, module):
    class CompressedStream:
        def __init__(self, stream, *_, closefd=False):
            self.stream = stream
            assert not closefd

        def __getattr__(self, name):
            return getattr(self.stream, name)

        def close(self):
            self.stream.write(b"end")

        def stream_writer(self, stream, *, closefd):
            return CompressedStream(stream, closefd=closefd)

    class Library:
        ZstdFile = CompressedStream

        @staticmethod
        def ZstdCompressor():  # noqa: N802 - the library's own name
            return CompressedStream(None)

    def only(name):
        if name != module:
            raise ImportError(name)
        return Library

    monkeypatch.setattr(packing, "import_module", only)
    write(tmp_path / "out.csv.zst")
    assert (tmp_path / "out.csv.zst").read_bytes() == NEW + b"end"


def test_zst_is_read_back(tmp_path):
    write(tmp_path / "out.csv.zst", NEW * 1000)
    with zstandard.open(tmp_path / "out.csv.zst") as file:
        assert file.read() == NEW * 1000
