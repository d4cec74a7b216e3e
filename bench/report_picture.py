"""Takes the picture of a report for the documents, in a headless Chromium.

    python -m bench.report_picture [--into FOLDER] [--all]

writes ``docs/pictures/report.png``; with ``--all``, also how the page looks in the dark, on a phone, with a sample open, and
on paper, for whoever changes it.
"""

import argparse
import base64
import tempfile
from pathlib import Path

from local_grader.reports.contents import contents
from local_grader.reports.forms import write
from local_grader.scores import Missing
from tests.support.browser import browser
from tests.support.kept_grades import keep
from tests.support.study import RUN, by_both, study

_PICTURES = Path(__file__).parents[1] / "docs" / "pictures"
_WIDE, _PHONE = (1280, 1500), (390, 1800)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--into", type=Path, default=_PICTURES)
    parser.add_argument("--all", action="store_true")
    said = parser.parse_args()
    said.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        missing = [Missing(sample=f"tuvalu-{at:05d}", group="Oceania") for at in range(3)]
        page = folder / "report.html"
        write(
            contents(keep(folder, RUN, study(1200), missing=missing, scorer="cascade", by=by_both())),
            "html",
            page,
        )
        _take(page, folder / "a", said.into / "report.png", _WIDE)
        if said.all:
            _take(page, folder / "b", said.into / "report-dark.png", _WIDE, dark=True)
            _take(page, folder / "c", said.into / "report-open.png", (1400, 900), opened=True, dark=True)
            _take(page, folder / "d", said.into / "report-phone.png", _PHONE)
            _take(page, folder / "e", said.into / "report-phone-list.png", (390, 800), listed=True, dark=True)
            _take(page, folder / "f", said.into / "report-phone-open.png", (390, 800), opened=True)


def _take(
    page: Path,
    profile: Path,
    into: Path,
    size: tuple[int, int],
    *,
    dark: bool = False,
    opened: bool = False,
    listed: bool = False,
) -> None:
    with browser(profile, *size, dark=dark) as chrome:
        chrome.get(page.as_uri())
        if opened or listed:
            chrome.execute_script(
                "document.documentElement.style.scrollBehavior = 'auto'; document.getElementById('samples').scrollIntoView()"
            )
        if opened:
            chrome.execute_script(
                "document.getElementById('disputed').click(); document.querySelectorAll('#rows .row')[3].click()"
            )
        chrome.execute_async_script("requestAnimationFrame(() => requestAnimationFrame(arguments[0]))")
        taken = chrome.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        into.write_bytes(base64.b64decode(taken["data"]))
        if opened:
            printed = chrome.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
            into.with_suffix(".pdf").write_bytes(base64.b64decode(printed["data"]))


if __name__ == "__main__":
    main()
