"""A JupyterLab over one notebook, in a Chromium."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import TimeoutError

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
PATIENCE_MS = 120_000


@contextlib.contextmanager
def lab_over(notebook: Path, folder: Path) -> Iterator[str]:
    """Serve a JupyterLab over a copy of a notebook in a folder; give its address."""
    if notebook.parent != folder:
        shutil.copy(notebook, folder)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    options = [
        f"--port={port}",
        "--ip=127.0.0.1",
        "--no-browser",
        "--allow-root",
        "--IdentityProvider.token=t",
        "--LabApp.expose_app_in_browser=True",
        f"--ServerApp.root_dir={folder}",
    ]
    env = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "ws"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "set"),
    }
    with (folder / "lab.log").open("wb") as log:
        child = subprocess.Popen([sys.executable, "-m", "jupyter", "lab", *options], env=env, stdout=log, stderr=log)
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token=t")
        yield f"http://127.0.0.1:{port}/lab/tree/{notebook.name}?token=t"
    finally:
        child.terminate()
        try:
            child.wait(120)  # it waits for the kernels, which may be at work
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def _wait_for(url: str) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


@contextlib.contextmanager
def page_of(address: str, width: int = 1180) -> Iterator[Any]:
    """Open a notebook of a JupyterLab in a browser; give its page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.set_default_timeout(PATIENCE_MS)
        # JupyterLab may ask for a kernel that the notebook names already.
        page.add_locator_handler(page.locator(".jp-Dialog button:has-text('Select')"), lambda button: button.click())
        page.goto(address)
        page.wait_for_selector(".jp-Notebook .jp-Cell")
        yield page
        browser.close()


def run_all(page: Any) -> None:
    """Run all the cells; again if the notebook was not ready for it."""
    page.wait_for_function(
        "() => window.jupyterapp?.shell.currentWidget?.context?.sessionContext?.session?.kernel?.status === 'idle'"
    )
    page.wait_for_function("() => window.jupyterapp.commands.isEnabled('notebook:run-all-cells')")
    begun = "() => [...document.querySelectorAll('.jp-InputArea-prompt')].some(e => /[0-9*]/.test(e.textContent))"
    for _ in range(10):
        page.evaluate("void window.jupyterapp.commands.execute('notebook:run-all-cells')")
        with contextlib.suppress(TimeoutError):
            page.wait_for_function(begun, timeout=8_000)
            return
    raise AssertionError("JupyterLab did not run the cells")
