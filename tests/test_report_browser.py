"""Reports and comparisons in headless Chromium: nothing on the console, no request, in both languages and sizes."""

import io
import json
import shutil
import subprocess

import pytest

from ppcls_lt.reports.comparison.writing import write as write_comparison
from ppcls_lt.reports.run.writing import write

from .comparisons import RECIPES, make_outcome
from .forks import PATIENCE
from .run_folders import write_run

# Chromium without the services of a desktop browser, which ask for addresses of their own.
NAMES = ("chromium-headless-shell", "chrome-headless-shell")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
pytestmark = [
    pytest.mark.skipif(BROWSER is None, reason="needs Debian's package chromium-headless-shell"),
    pytest.mark.slow,
]
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--enable-logging=stderr",
    "--net-log-capture-mode=IncludeSensitive",
    "--window-size=1000,2000",
)


@pytest.fixture
def browse(tmp_path):
    """Return a function that opens a page: its console, the addresses asked for, its DOM, its screenshot."""

    def opened(page, *flags):
        folder = tmp_path / "browser"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        log, shot = folder / "net.json", folder / "shot.png"
        places = [f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", f"--screenshot={shot}", "--dump-dom"]
        done = subprocess.run(
            [BROWSER, *FLAGS, *places, *flags, page.as_uri()], capture_output=True, text=True, timeout=PATIENCE
        )
        assert done.returncode == 0, done.stderr
        console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
        # data: is the page itself.
        asked = {
            event["params"]["url"]
            for event in json.loads(log.read_text())["events"]
            if "url" in event.get("params", {})
        }
        return console, {url for url in asked if not url.startswith("data:")}, done.stdout, shot.read_bytes()

    return opened


def test_what_is_looked_for_would_be_seen(browse, tmp_path):
    page = tmp_path / "page.html"
    page.write_text('<img src="http://ppcls-lt.invalid/x.png"><script>console.error("seen"); nothing();</script>')
    console, asked, _, _ = browse(page)
    assert asked == {"http://ppcls-lt.invalid/x.png"}
    assert len(console) == 2 and '"seen"' in console[0] and "nothing is not defined" in console[1]


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("class_num", [10, 1000])
def test_a_report_is_quiet_and_asks_for_nothing(class_num, language, browse, tmp_path):
    write_run(tmp_path / "run", class_num, images=5)
    write(tmp_path / "run", language=language)
    console, asked, dom, shot = browse(tmp_path / "run" / "report.html")
    assert console == [] and asked == set()
    assert dom.count("<img") == 7 and dom.rstrip().endswith("</html>")
    assert_blue(shot, 2000, 10_000)


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("class_num, recipes", [(10, RECIPES), (1000, RECIPES[:8]), (10, ())])
def test_a_comparison_is_quiet_and_asks_for_nothing(class_num, recipes, language, browse, tmp_path):
    outcome = make_outcome(class_num, recipes, images=5, failures=[("mine.yaml", 0, "ended with status 137")])
    write_comparison(outcome, tmp_path, language)
    console, asked, dom, shot = browse(tmp_path / "comparison.html", "--window-size=1000,3000")
    assert console == [] and asked == set()
    assert dom.count("<img") == (4 if recipes else 0) and dom.rstrip().endswith("</html>")
    if recipes:
        # Points of the group with many images.
        assert_blue(shot, 3000, 200)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_nothing_is_wider_than_a_phone(language, browse, tmp_path):
    """At 390 pixels tables and pictures scroll within themselves, and the page does not."""
    failures = [("mine.yaml", 0, "ended with status 137")]
    write_comparison(make_outcome(recipes=RECIPES, test_all=True, failures=failures), tmp_path, language)
    write_run(tmp_path / "run", 10, images=5)
    write(tmp_path / "run", language=language)
    wide = tmp_path / "wide.html"
    wide.write_text("<!DOCTYPE html><p style='width: 600px'>wider")
    pages = [wide, tmp_path / "comparison.html", tmp_path / "run" / "report.html"]
    frames = "".join(f'<iframe src="{page.as_uri()}" style="width: 390px; border: 0"></iframe>' for page in pages)
    outer = tmp_path / "phone.html"
    over = "(page => page.scrollWidth - page.clientWidth)(frame.contentDocument.documentElement)"
    script = f"document.title = [...document.querySelectorAll('iframe')].map(frame => {over}).join(' ')"
    outer.write_text(f"<!DOCTYPE html><title>none</title>{frames}<script>onload = () => {{ {script} }}</script>")
    _, _, dom, _ = browse(outer, "--allow-file-access-from-files")
    first, *others = dom.partition("<title>")[2].partition("</title>")[0].split()
    assert int(first) > 0 and others == ["0", "0"]


def assert_blue(shot, height, least):
    """A screenshot has at least so many pixels in the blue of the classes with many images: the pictures are there."""
    from matplotlib.image import imread

    picture = imread(io.BytesIO(shot))
    assert picture.shape[:2] == (height, 1000)
    blue = abs(picture[..., :3] - [0.0, 0x72 / 255, 0xB2 / 255]).max(axis=-1) < 0.02
    assert blue.sum() > least
