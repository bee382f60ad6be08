"""The page in a real browser, where there is one: it asks nobody for anything, and could not if it wanted to."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from deployment.page.facts import Amount, Facts, Group, Timing, WorkerTurn
from deployment.page.page import POLICY, page
from tests.fake_executions import ARN, BEGAN, LINK, REPORT

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
CANARY = "http://canary.test/"
SMUGGLED = (
    f'<img src="{CANARY}image"><script>document.body.id = "obeyed"</script><script src="{CANARY}script"></script>'
    f'<link rel="stylesheet" href="{CANARY}style"><iframe src="{CANARY}frame"></iframe>'
)

pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on this machine")


class Canary(ThreadingHTTPServer):
    """The browser's only way out, a proxy that answers nothing; remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str] = []

    def of_the_page(self) -> set[str]:
        """What the page wanted; the browser also wants things of its own."""
        return {address.removeprefix(CANARY) for address in self.asked if "canary.test" in address}


class Handler(BaseHTTPRequestHandler):
    """Answers 404 to everything."""

    server: Canary

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    do_CONNECT = do_POST = do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def canary() -> Iterator[Canary]:
    with Canary() as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def document() -> str:
    turn = WorkerTurn("copying", f"copied/{SMUGGLED}", BEGAN + timedelta(seconds=1), 3.0)
    return page(
        Facts(
            "monday", ARN, LINK, "FAILED", "SyncIncomplete", SMUGGLED, BEGAN, BEGAN, 95.0, f"a/{SMUGGLED}", "b", REPORT,
            given={SMUGGLED: SMUGGLED}, amounts=[Amount("copied", SMUGGLED, 3, 3)], remarks=[SMUGGLED],
            causes=[Group(SMUGGLED, 3, [(SMUGGLED, SMUGGLED, SMUGGLED)])], timing=Timing([turn]),
        )
    )  # fmt: skip


def rendered(text: str, folder: Path, canary: Canary) -> str:
    """Return the document as it is after a browser has shown it."""
    file = folder / "page.html"
    file.write_text(text, encoding="utf-8")
    command = [
        str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", f"--user-data-dir={folder / 'profile'}",
        f"--proxy-server=127.0.0.1:{canary.server_port}", "--proxy-bypass-list=<-loopback>", "--dump-dom", file.as_uri(),
    ]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


def test_hostile_text_is_shown_and_asks_nobody_for_anything(canary: Canary, tmp_path: Path) -> None:
    shown = rendered(document(), tmp_path, canary)
    assert "&lt;script&gt;" in shown
    assert ("<script" in shown, "<iframe" in shown, "<img" in shown) == (False, False, False)
    assert canary.of_the_page() == set()


def test_what_should_get_into_a_page_all_the_same_is_not_obeyed(canary: Canary, tmp_path: Path) -> None:
    harmed = document().replace("<main>", f"<main>{SMUGGLED}")
    assert 'id="obeyed"' not in rendered(harmed, tmp_path, canary)
    assert canary.of_the_page() == set()


def test_without_the_policy_this_test_would_see_it(canary: Canary, tmp_path: Path) -> None:
    open_to_all = document().replace("<main>", f"<main>{SMUGGLED}").replace(POLICY.replace("'", "&#x27;"), "")
    assert 'id="obeyed"' in rendered(open_to_all, tmp_path, canary)
    assert canary.of_the_page() >= {"image", "script", "style", "frame"}
