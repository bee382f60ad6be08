"""A page of a stranger in a real browser, beside a running emulator: a careless server falls for it, the emulator does not."""

from __future__ import annotations

import json
import os
import queue
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from attacking import FUNCTIONS, functions, malicious_function

from deployment.emulator.emulator import Emulator

pytest.importorskip("ministack", reason="the embedded emulator is not installed")

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium here: neither chromium, chromium-browser nor google-chrome"
)
DEADLINE_SECONDS = 90

PAGE = """<!doctype html><title>page of a stranger</title><body><script>
const body = BODY, token = TOKEN, outcome = {};
async function send(name, address, options) {
  try {
    const answer = await fetch(address, options);
    outcome[name] = answer.type + " " + answer.status + " " + (await answer.text()).slice(0, 40);
  } catch (error) { outcome[name] = String(error); }
}
function load(name, address) {
  return new Promise(done => {
    const image = new Image();
    image.onload = image.onerror = () => { outcome[name] = "sent"; done(); };
    image.src = address;
  });
}
function post(name, address) {
  return new Promise(done => {
    const frame = document.createElement("iframe"), form = document.createElement("form");
    frame.name = name;
    form.target = name; form.method = "POST"; form.enctype = "text/plain"; form.action = address;
    const field = document.createElement("input");
    field.name = body.slice(0, -1) + ', "Description": "'; field.value = '"}';
    form.append(field); document.body.append(frame, form);
    frame.onload = () => { outcome[name] = "sent"; done(); };
    form.submit();
  });
}
function open(name, address) {
  return new Promise(done => {
    const socket = new WebSocket(address.replace("http", "ws"));
    socket.onopen = () => { outcome[name] = "open"; done(); };
    socket.onerror = () => { outcome[name] = "refused"; done(); };
  });
}
async function attack(who, base) {
  const plain = {"Content-Type": "text/plain"}, path = base + "FUNCTIONS";
  await send(who + " plain", path, {method: "POST", headers: plain, body});
  await send(who + " opaque", path, {method: "POST", headers: plain, body, mode: "no-cors"});
  await send(who + " read", base + "/_ministack/health", {});
  await send(who + " preflight", path, {method: "POST", headers: {"X-Amz-Security-Token": token}, body});
  await send(who + " query", path + "?X-Amz-Security-Token=" + token, {method: "POST", headers: plain, body});
  await load(who + " image", base + "/_ministack/health");
  await post(who + " form", path);
  await open(who + " socket", base + "/");
}
attack("careless", location.origin.replace("localhost", "127.0.0.1"))
  .then(() => attack("emulator", "EMULATOR"))
  .then(() => fetch("/outcome", {method: "POST", body: JSON.stringify(outcome)}));
</script>"""


class Stranger(ThreadingHTTPServer):
    """Serves the page, takes its report, and answers its attacks as carelessly as an emulator without a guard."""

    daemon_threads = True

    def __init__(self, emulator: Emulator) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        values = {"BODY": json.dumps(malicious_function()), "TOKEN": json.dumps(emulator.token)}
        page = PAGE.replace("FUNCTIONS", FUNCTIONS).replace("EMULATOR", emulator.url)
        self.page = page.replace("BODY,", values["BODY"] + ",").replace("TOKEN,", values["TOKEN"] + ",")
        self.outcomes: queue.Queue[dict[str, str]] = queue.Queue()


class _Handler(BaseHTTPRequestHandler):
    server: Stranger

    def do_GET(self) -> None:
        self._answer(self.server.page if self.path == "/page" else "fine")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/outcome":
            self.server.outcomes.put(json.loads(body))
        self._answer("created" if b"evil" in body else "")

    def do_OPTIONS(self) -> None:
        self._answer("")

    def _answer(self, text: str) -> None:
        self.send_response(200)
        for name in ("Origin", "Headers", "Methods"):
            self.send_header(f"Access-Control-Allow-{name}", "*")
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def serving(emulator: Emulator) -> Iterator[Stranger]:
    with Stranger(emulator) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def chromium(folder: Path, *words: str) -> subprocess.Popen[str]:
    """Start a browser with nothing of the user's, and no way out of this machine."""
    assert CHROMIUM is not None
    flags = [
        "--headless",
        "--disable-gpu",
        "--no-first-run",
        "--no-proxy-server",
        "--disable-background-networking",
    ]
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it does not start as root otherwise
    return subprocess.Popen(
        [CHROMIUM, *flags, *sandbox, f"--user-data-dir={folder}", *words],
        env={"PATH": os.environ["PATH"], "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def outcome_of_the_page(server: Stranger, folder: Path) -> dict[str, str]:
    with chromium(
        folder, "--remote-debugging-port=0", f"http://localhost:{server.server_port}/page"
    ) as browser:
        try:
            outcome = server.outcomes.get(timeout=DEADLINE_SECONDS)
        finally:
            browser.terminate()
    for name, words in outcome.items():
        print(f"{name}: {words}")
    return outcome


def test_a_page_that_even_knows_the_token_can_neither_create_a_function_nor_read_an_answer(
    emulator: Emulator, tmp_path: Path
) -> None:
    with serving(emulator) as server:
        outcome = outcome_of_the_page(server, tmp_path)
    sent = {name.split()[1]: words for name, words in outcome.items() if name.startswith("careless ")}
    refused = {name.split()[1]: words for name, words in outcome.items() if name.startswith("emulator ")}
    assert sent == {
        "plain": "cors 200 created",
        "opaque": "opaque 0 ",
        "read": "cors 200 fine",
        "preflight": "cors 200 created",
        "query": "cors 200 created",
        "image": "sent",
        "form": "sent",
        "socket": "refused",
    }, "a server without a guard is reached, and read"
    unread = "TypeError: Failed to fetch"
    assert refused == {
        **dict.fromkeys(("plain", "read", "preflight", "query"), unread),
        "opaque": "opaque 0 ",
        "image": "sent",
        "form": "sent",
        "socket": "refused",
    }
    assert "evil" not in functions(emulator)


@pytest.mark.parametrize("name", ["evil.example", "bucket.localhost", "localhost"])
def test_a_page_under_a_name_that_now_leads_here_reads_a_refusal(
    emulator: Emulator, tmp_path: Path, name: str
) -> None:
    address = f"http://{name}:{emulator.port}/_ministack/health"
    rules = "--host-resolver-rules=MAP * 127.0.0.1"
    with chromium(tmp_path, rules, "--dump-dom", address) as browser:
        shown, _ = browser.communicate(timeout=DEADLINE_SECONDS)
    print(f"{address}: {shown}")
    assert "AccessDenied" in shown and "services" not in shown
