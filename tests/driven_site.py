"""A built site in headless Chromium, searched and clicked through by a page of the test's own around it."""

import functools
import http.server
import json
import shutil
import subprocess
import threading
from urllib.parse import urlsplit

from .forks import PATIENCE

NAMES = ("chromium-headless-shell", "chrome-headless-shell")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--enable-logging=stderr",
    "--net-log-capture-mode=IncludeSensitive",
    "--dump-dom",
)
# The site stands in a frame. The picture is what the page waits for: the server sends it once it has the results.
DRIVER = """<!DOCTYPE html><title>driver</title>
<iframe style="width: 1280px; height: 900px"></iframe><img src="/waited-for">
<script>
const frame = document.querySelector("iframe"), pause = time => new Promise(done => setTimeout(done, time))
const until = async found => {
  for (let tries = 0; tries < 6000; tries++) { const value = found(); if (value) return value; await pause(100) }
  throw new Error(`waited for ${found}`)
}
const open = async address => {
  const loaded = new Promise(done => frame.onload = done)
  frame.src = address
  await loaded
  return frame.contentDocument
}
const search = async (address, words) => {
  const page = await open(`${address}?q=${encodeURIComponent(words)}`)
  const found = await until(() => {
    const links = [...page.querySelectorAll("a.md-search-result__link")]
    return links.length && links
  })
  const title = link => link.querySelector("h1, h2").textContent.replaceAll("\u200b", "")
  return found.map(link => [new URL(link.href).pathname, title(link)])
}
const go = async () => { STEPS }
go().catch(error => ({failed: String(error)})).then(
  value => fetch("/results", {method: "POST", body: JSON.stringify(value)}))
</script>"""


class _Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):  # noqa: N802 (the name that http.server looks for)
        if self.path == "/waited-for":
            self.server.done.wait(PATIENCE)
            return self.send_error(404)
        if self.path == "/driver.html":
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            return self.wfile.write(self.server.driver.encode("utf-8"))
        return super().do_GET()

    def do_POST(self):  # noqa: N802
        self.server.results = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204)
        self.end_headers()
        self.server.done.set()

    def log_message(self, *_):
        """Say nothing."""


def drive(site, folder, steps):
    """Run JavaScript `steps`, with `open`, `search` and `until`, on a site: what they return, hosts, console."""
    handler = functools.partial(_Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.results, server.done = None, threading.Event()
        server.driver = DRIVER.replace("STEPS", steps)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        log = folder / "net.json"
        places = [f"--log-net-log={log}", f"--user-data-dir={folder / 'profile'}"]
        address = f"http://127.0.0.1:{server.server_port}/driver.html"
        done = subprocess.run([BROWSER, *FLAGS, *places, address], capture_output=True, text=True, timeout=PATIENCE)
        server.shutdown()
    assert done.returncode == 0, done.stderr
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line and "/waited-for" not in line]
    events = json.loads(log.read_text(encoding="utf-8"))["events"]
    asked = {event["params"]["url"] for event in events if "url" in event.get("params", {})}
    hosts = {urlsplit(url).hostname for url in asked if url.startswith(("http", "ws"))}
    return server.results, hosts, console
