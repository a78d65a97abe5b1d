"""The real app in a process of its own, and a real Chromium that looks at it."""

import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.conftest import missing, needs_module
from tests.e2e.commands import COMMAND

if TYPE_CHECKING:
    from playwright.sync_api import Browser, ConsoleMessage, Frame, Page, Request

_PATIENCE_SECONDS = 30
_NAMES = ("chromium", "chromium-browser", "google-chrome")

WIDE, NARROW = (1280, 800), (390, 844)


@contextmanager
def running(
    *options: "str | Path", cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> Iterator[str]:
    """The address of an app; it ends when it is told to, with nothing wrong."""
    process = subprocess.Popen(
        [COMMAND, "app", "--port", "0", *options],
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    try:
        while not (found := re.search(r"look at (http://[^/]+/)", said)):
            line = process.stderr.readline()
            assert line, said
            said += line
        yield found[1]
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        code = process.wait(_PATIENCE_SECONDS)
        rest = process.stderr.read()
        process.stderr.close()
    assert code in (0, -signal.SIGTERM), rest
    assert "Traceback" not in rest, rest


@contextmanager
def chromium() -> Iterator["Browser"]:
    """Debian's Chromium, driven by Playwright."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("the module playwright")
    command = next(filter(None, map(shutil.which, _NAMES)), None)
    if command is None:
        missing("Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Seen:
    """What a page has asked the network for, and what went wrong in it."""

    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)

    def watch(self, page: "Page") -> None:
        """Keep what this page does."""

        def asked(request: "Request") -> None:
            if request.url.startswith(("http", "ws")):
                self.hosts.add(request.url.split("/")[2])

        def said(message: "ConsoleMessage") -> None:
            # Streamlit finds out where its own addresses begin by trying them.
            if message.type == "error" and "/_stcore/" not in message.location["url"]:
                self.faults.append(message.text)

        page.on("request", asked)
        page.on("websocket", lambda socket: self.hosts.add(socket.url.split("/")[2]))
        page.on("console", said)
        page.on("pageerror", lambda error: self.faults.append(str(error)))


@contextmanager
def looking(
    browser: "Browser",
    address: str,
    size: tuple[int, int] = WIDE,
    *,
    dark: bool = False,
    refused: int | None = None,
) -> Iterator["Page"]:
    """A page of somebody who looks; nothing may fail there, and no other host be asked.

    Only answers with the status ``refused`` may be refusals.
    """
    context = browser.new_context(
        base_url=address,
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
    )
    seen = Seen()
    page = context.new_page()
    seen.watch(page)
    yield page
    context.close()
    assert seen.hosts <= {address.split("/")[2]}, "another host was asked"
    assert [fault for fault in seen.faults if f"status of {refused} " not in fault] == []


def unusable(of: "Page | Frame") -> list[str]:
    """What axe-core finds that would keep somebody from using a page: serious or worse."""
    axe: Any = needs_module("axe_playwright_python.sync_playwright")
    return [
        f"{its['id']}: {its['nodes'][0]['html'][:200]}"
        for its in axe.Axe().run(of).response["violations"]
        if its["impact"] in ("serious", "critical")
    ]
