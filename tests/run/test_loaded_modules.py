"""A job loads only the libraries that it needs."""

from __future__ import annotations

import os
import subprocess
import sys

_UNNEEDED = ("pandas", "altair", "pyarrow.csv", "pyarrow.compute", "ipywidgets", "tqdm", "dask", "aiohttp")
_CODE = """
import sys
import leadflow as lf
lf.Engine().close()
print(*(name for name in sys.argv[1:] if name in sys.modules))
"""


def test_an_engine_without_a_list_on_disk_loads_no_library_of_reports_lists_or_panels(world):
    done = subprocess.run(
        [sys.executable, "-c", _CODE, *_UNNEEDED],
        env={**os.environ, **world.env()},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == []
