"""The allocator keeps what large requests gave back, unless somebody says otherwise."""

import subprocess
import sys

import pytest

SCRIPT = """
from service.allocator import KEPT_BYTES, keep_freed

def resident():
    return int(open("/proc/self/statm").read().split()[1]) * 4096

told = keep_freed()
before = resident()
block = bytearray(b"x") * (KEPT_BYTES // 4)
del block
print(told, resident() - before > KEPT_BYTES // 8)
"""


@pytest.mark.parametrize(("further", "told"), [({}, "True"), ({"MALLOC_TRIM_THRESHOLD_": "131072"}, "False")])
def test_freed_blocks_stay_unless_a_variable_says_otherwise(further: dict[str, str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        env={"PATH": "/usr/bin:/bin", **further},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == [told, told]
