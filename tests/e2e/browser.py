"""A real Chromium, driven over the DevTools protocol through a pipe: no port, no package."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from tests.conftest import missing

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--hide-scrollbars", "--remote-debugging-pipe",
)  # fmt: skip
_PATIENCE_SECONDS = 30.0


class Browser:
    """One tab of a browser; what it logs and asks the network for is kept."""

    def __init__(self, profile: Path) -> None:
        command = next(filter(None, map(shutil.which, _NAMES)), None)
        if command is None:
            missing("Chromium")
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        # Chromium reads commands from descriptor 3 and answers on 4.
        shell = f'exec "$@" 3<&{theirs_in} 4>&{theirs_out}'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "-", command, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(theirs_in, theirs_out),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(theirs_in)
        os.close(theirs_out)
        self._out, self._in = os.fdopen(ours_out, "wb", 0), os.fdopen(ours_in, "rb")
        self._rest, self._number, self._session = b"", 0, ""
        self.events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        attached = self.call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(_PATIENCE_SECONDS)
        self._out.close()
        self._in.close()

    def call(self, method: str, **parameters: object) -> Any:
        """Call a method of the protocol and wait for its answer."""
        self._number += 1
        message: dict[str, object] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._out.write(json.dumps(message).encode() + b"\0")
        while True:
            got = self._message()
            if got.get("id") == self._number:
                assert "error" not in got, got["error"]
                return got["result"]
            self.events.append(got)

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            read = os.read(self._in.fileno(), 1 << 20)
            assert read, "the browser has ended"
            self._rest += read
        message, _, self._rest = self._rest.partition(b"\0")
        got: dict[str, Any] = json.loads(message)
        return got

    def size(self, width: int, height: int, dark: bool = False, calm: bool = False) -> None:
        """Set the window's size and what the reader prefers."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width, height=height, deviceScaleFactor=1, mobile=False,
        )  # fmt: skip
        wanted = [
            ("prefers-color-scheme", "dark" if dark else "light"),
            ("prefers-reduced-motion", "reduce" if calm else "no-preference"),
        ]
        features = [{"name": name, "value": value} for name, value in wanted]
        self.call("Emulation.setEmulatedMedia", media="", features=features)

    def open(self, file: Path) -> None:
        """Load a page and wait until all that it shows is there."""
        self.events.clear()
        self.call("Page.navigate", url=file.as_uri())
        self.until("document.readyState === 'complete'")

    def run(self, code: str) -> Any:
        """What an expression gives, in the page."""
        done = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, code: str) -> None:
        """Wait until an expression is true."""
        end = time.monotonic() + _PATIENCE_SECONDS
        while not self.run(code):
            assert time.monotonic() < end, f"{code} was not true within {_PATIENCE_SECONDS} s"
            time.sleep(0.02)

    def key(self, key: str, shift: bool = False) -> None:
        """Press a key: its name, or what it writes."""
        codes = {"Enter": 13, "Escape": 27, "Tab": 9}
        text = "\r" if key == "Enter" else key if len(key) == 1 else ""
        common = {"key": key, "windowsVirtualKeyCode": codes.get(key, 0), "modifiers": 8 * shift}
        self.call("Input.dispatchKeyEvent", type="keyDown", text=text, **common)
        self.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def mouse(self, kind: str, x: float, y: float, **more: object) -> None:
        """Move, press or release the mouse, or turn its wheel."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, x: float, y: float) -> None:
        """Click with the mouse's main button."""
        self.mouse("mouseMoved", x, y)
        self.mouse("mousePressed", x, y, button="left", clickCount=1)
        self.mouse("mouseReleased", x, y, button="left", clickCount=1)

    def shot(self, file: Path) -> None:
        """Save what the tab shows, as PNG."""
        got = self.call("Page.captureScreenshot", format="png")
        file.write_bytes(base64.b64decode(got["data"]))

    def faults(self) -> list[str]:
        """What went wrong in the page since it was opened: exceptions, and what was logged."""
        wrong = ("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled")
        return [json.dumps(event["params"]) for event in self.events if event["method"] in wrong]

    def requests(self) -> list[str]:
        """Every address that the page has asked for."""
        asked = (e for e in self.events if e["method"] == "Network.requestWillBeSent")
        return [event["params"]["request"]["url"] for event in asked]


@contextmanager
def browser() -> Iterator[Browser]:
    """A browser with a profile of its own."""
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as profile,
        Browser(Path(profile)) as opened,
    ):
        yield opened
