"""The page of a report in a real browser: finding, opening and reading samples, whatever the samples hold."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

from local_grader.reports.contents import contents
from local_grader.reports.forms import write
from local_grader.scores import Grade, Judgement, Missing
from tests.support.browser import browser
from tests.support.kept_grades import grade, keep
from tests.support.study import RUN, by_both, study

HOSTILE = {
    "script": "<script>alert(1)</script><img src=x onerror=alert(2)>",
    "end": "</script><script>alert(3)</script><!-- <script>",
    "link": 'javascript:alert(4) <a href="javascript:alert(5)">here</a>',
    "request": '<img src="http://127.0.0.1:9/leak"><style>@import "http://127.0.0.1:9/leak.css";</style>',
    "unseen": "yes\u202eon\u202c\x00\x1b[31m\u200b\u2028end\U000e0041",
    "name' onmouseover=alert(6) \"<b>": "${data} $data {{7*7}}",
}


@pytest.fixture(scope="module")
def chrome(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    with browser(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


class Page:
    """The page of a report that is open in a browser."""

    def __init__(self, chrome: Chrome, path: Path) -> None:
        self.chrome = chrome
        self.path = path

    def load(self, hash: str = "") -> "Page":
        # The driver takes another hash alone for no new page.
        self.chrome.get("about:blank")
        self.chrome.get_log("browser")
        self.chrome.get_log("performance")
        self.chrome.get(self.path.as_uri() + hash)
        return self

    def run(self, script: str, *words: object) -> Any:
        return self.chrome.execute_script(f"return {script}", *words)

    def text(self, selector: str) -> str:
        return str(self.run("document.querySelector(arguments[0]).textContent", selector))

    def rows(self) -> list[str]:
        """The ids of the samples that are drawn, in their order."""
        return list(
            self.run("[...document.querySelectorAll('#rows .row .id')].map((one) => one.textContent)")
        )

    def count(self) -> str:
        return self.text("#count")

    def press(self, *keys: str) -> None:
        for key in keys:
            self.chrome.switch_to.active_element.send_keys(key)

    def search(self, words: str, count: str) -> None:
        field = self.chrome.find_element(By.ID, "search")
        field.clear()
        field.send_keys(words)
        self.until(lambda: self.count() == count)

    def choose(self, field: str, label: str) -> None:
        Select(self.chrome.find_element(By.ID, field)).select_by_visible_text(label)

    def pick(self, verdict: str) -> None:
        """In the list of verdicts, where each stands with its number."""
        options = self.chrome.find_elements(By.CSS_SELECTOR, "#verdict option")
        self.choose("verdict", next(one.text for one in options if one.text.startswith(f"{verdict} (")))

    def until(self, holds: Any) -> None:
        WebDriverWait(self.chrome, 30, 0.05).until(lambda _: holds())

    def complaints(self) -> list[str]:
        return [str(one["message"]) for one in self.chrome.get_log("browser")]

    def requests(self) -> list[str]:
        """What the page has asked for since it was loaded, itself left out."""
        events = [json.loads(one["message"])["message"] for one in self.chrome.get_log("performance")]
        asked = [
            one["params"]["request"]["url"] for one in events if one["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in asked if not url.startswith((self.path.as_uri(), "about:"))]


def page_of(chrome: Chrome, folder: Path, grades: list[Grade], missing: list[Missing] | None = None) -> Page:
    path = folder / "report.html"
    write(contents(keep(folder, RUN, grades, missing=missing or [], by=by_both())), "html", path)
    return Page(chrome, path).load()


@pytest.fixture(scope="module")
def studied(chrome: Chrome, tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(
        chrome, tmp_path_factory.mktemp("study"), study(300), [Missing(sample="never-1", group="Asia")]
    )


def test_search_filters_and_sorting_find_samples(studied: Page) -> None:
    page = studied.load()
    assert page.count() == "301"
    page.search("NORWAY oslo", "12 of 301")
    assert all(one.startswith("norway") for one in page.rows())
    page.run("document.getElementById('clear').click()")
    assert page.count() == "301"
    page.pick("not graded")
    unscored = page.rows()
    assert unscored and page.count() == f"{len(unscored)} of 301"
    page.pick("never answered")
    assert page.rows() == ["never-1"]
    page.run("document.getElementById('clear').click()")
    page.choose("group", "Oceania")
    page.choose("stage", "judge")
    assert 0 < len(page.rows()) == int(page.count().split()[0])
    page.run("document.getElementById('clear').click()")
    page.run("document.querySelector('.heads .id button').click()")
    first = page.rows()
    assert first == sorted(first) and first[0].startswith("australia")
    page.run("document.querySelector('.heads .id button').click()")
    assert page.rows()[0].startswith("vietnam")
    assert page.complaints() == [] and page.requests() == []


def test_a_figure_leads_to_the_samples_that_it_counts(studied: Page) -> None:
    page = studied.load()
    page.run("document.querySelector('[data-filter=disputed]').click()")
    assert page.count().endswith(" of 301")
    assert page.run(
        "[...document.querySelectorAll('#rows .row')].every((row) => row.querySelector('.differ'))"
    )
    page.load()
    reason = page.run("document.querySelector('[data-filter=reason]').textContent")
    page.run("document.querySelector('[data-filter=reason]').click()")
    page.run("document.querySelector('#rows .row').click()")
    assert reason in page.text("#sample")


def test_keys_walk_through_samples_and_the_address_leads_back(studied: Page) -> None:
    page = studied.load()
    page.press("/")
    page.chrome.switch_to.active_element.send_keys("sweden-does-not-exist")
    page.until(lambda: page.count() == "0 of 301")
    assert page.run("!document.getElementById('none').hidden")
    page.search("France", "12 of 301")
    page.press(Keys.ENTER, "j", "k", "j", Keys.ENTER)
    second = page.text("#sample-name")
    assert second == page.rows()[1]
    page.press("j")
    assert page.text("#sample-name") == page.rows()[2]
    address = page.run("location.hash")
    assert address == f"#sample={page.text('#sample-name')}"
    page.press(Keys.ESCAPE)
    assert page.run("document.getElementById('sample').hidden && document.activeElement.id === 'grid'")
    page.load(address)
    assert page.text("#sample-name") == address.partition("=")[2]
    page.load("#sample=nobody%20here")
    assert page.count() == "No sample is called nobody here"
    assert page.complaints() == []


def test_an_opened_sample_shows_all_that_is_known_of_it(studied: Page) -> None:
    page = studied.load()
    page.run("document.getElementById('disputed').click()")
    page.run("document.querySelector('#rows .row').click()")
    shown = page.text("#sample")
    for words in (
        "Prompt",
        "Answer",
        "Reference",
        "Judge qwen3:4b",
        "Judge phi4-mini",
        "The reference is",
        "answers.jsonl line 1",
    ):
        assert words in shown


@pytest.mark.parametrize("width", [390, 1400])
def test_hostile_samples_stay_text(tmp_path: Path, width: int) -> None:
    grades = [
        grade(
            name,
            0.0,
            text,
            prompt=text,
            reference=text,
            group=text[:40],
            explanation=text,
            stage=text[:30],
            judgements=[Judgement(judge=text, verdict=text, value=0.0, reasoning=text, parts={text: text})],
        )
        for name, text in HOSTILE.items()
    ]
    grades.append(grade("reasons", None, reason=HOSTILE["script"]))
    with browser(tmp_path / "profile", width) as chrome:
        page = page_of(chrome, tmp_path, grades)
        elements = page.run(
            "document.querySelectorAll('img, a:not(.skip), iframe, object, script, style, link').length"
        )
        assert elements == 3  # the style, the data, the script
        for name, text in HOSTILE.items():
            page.run("document.getElementById('grid').focus()")
            page.run(
                "document.querySelectorAll('#rows .row')[arguments[0]].click()", list(HOSTILE).index(name)
            )
            assert page.text("#sample-name") == name
            if name != "unseen":
                assert text in page.text("#sample")
        page.run(
            "document.querySelectorAll('#rows .row')[arguments[0]].click()", list(HOSTILE).index("unseen")
        )
        chips = page.run("[...document.querySelectorAll('#sample .unseen')].map((one) => one.textContent)")
        assert set(chips) == {"U+202E", "U+202C", "U+0000", "U+001B", "U+200B", "U+2028", "U+E0041"}
        assert "\u202e" not in page.text("#rows") and "⟨U+202E⟩" in page.text("#rows")
        page.search("onerror", "2 of 7")
        assert (
            page.run(
                "document.querySelectorAll('img, a:not(.skip), iframe, object, script, style, link').length"
            )
            == 3
        )
        assert page.run("document.documentElement.scrollWidth <= innerWidth")
        assert page.complaints() == [] and page.requests() == []


def test_the_page_may_run_and_ask_for_nothing_else(studied: Page) -> None:
    page = studied.load()
    for attempt in (
        "document.body.append(Object.assign(document.createElement('img'), {src: 'http://127.0.0.1:9/x'}))",
        "document.body.append(Object.assign(document.createElement('script'), {src: 'data:,1'}))",
        "(document.body.innerHTML = '<b>x</b>')",
    ):
        page.run(f"(() => {{ try {{ {attempt} }} catch (error) {{ return String(error) }} }})()")
    page.until(lambda: page.run("document.querySelector('img') !== null"))
    assert page.run("document.querySelector('main') !== null")
    refused = page.complaints()
    assert any("img-src" in one or "default-src" in one for one in refused)


def test_ten_thousand_samples_draw_a_screenful(chrome: Chrome, tmp_path: Path) -> None:
    page = page_of(chrome, tmp_path, study(10_000))
    assert page.count() == "10,000"
    drawn = page.run("document.querySelectorAll('*').length")
    assert len(page.rows()) < 60 and drawn < 1500
    page.run("document.getElementById('list').scrollTo(0, 1e9)")
    page.until(lambda: page.rows()[-1].endswith("-09999"))
    assert len(page.rows()) < 60
    page.search("norway-098", "4 of 10,000")
    assert len(page.rows()) == 4
    page.run("document.querySelector('#rows .row').click()")
    assert page.run("document.querySelectorAll('*').length") < 1500
    assert page.complaints() == []
