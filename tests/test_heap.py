from __future__ import annotations

import ctypes
import subprocess
import sys

import pytest

PROGRAM = """
import ctypes, sys
from comagic_cli.api.http import map_large_blocks

class Told(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in "abcdefghij"]

if sys.argv[1] == "apart":
    map_large_blocks()
page = bytearray(8 << 20)
del page  # from now on glibc takes 8 MB for small
page = bytearray(8 << 20)
told = ctypes.CDLL(None).mallinfo2
told.restype = Told
print(told().e >= len(page))  # the bytes that are mapped apart
"""


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "mallinfo2"), reason="glibc alone is told")
@pytest.mark.parametrize(("how", "apart"), [("apart", "True"), ("as usual", "False")])
def test_a_page_gets_memory_of_its_own(how, apart):
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM, how], capture_output=True, text=True, check=True
    )
    assert ran.stdout.strip() == apart
