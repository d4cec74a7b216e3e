"""Each form of a report holds every sample, is read by others' readers, and nothing that a run wrote is more than text."""

import csv
import html
import io
import json
import re
import xml.etree.ElementTree as ElementTree

import pyarrow.parquet
import pytest

from local_grader.reports import page_data
from local_grader.reports.characters import one_line, visible
from local_grader.reports.contents import contents
from local_grader.reports.forms import FORMS, form_of, write
from local_grader.reports.markdown import code
from local_grader.scores import Judgement, Missing
from sync.errors import HybridError, UsageError
from tests.support.kept_grades import grade, keep
from tests.support.study import RUN, by_both, study

NASTY = (
    'a|b `c` <script>alert(1)</script> @someone ![x](http://h/x) \x00\x1b[31m\u202e]]>&amp;\n"q" \ufffe end'
)


@pytest.fixture
def found(tmp_path):
    grades = [
        grade("right", 1.0, "yes", prompt="p?", reference="yes", group="g"),
        grade("half", 0.5, NASTY, prompt=NASTY, group=NASTY, explanation=NASTY, context=NASTY, rival=NASTY),
        grade(
            NASTY, 0.0, NASTY, judgements=[Judgement(judge=NASTY, verdict="no", value=0.0, reasoning=NASTY)]
        ),
        grade("late", None, "=1+1", reason="timed out"),
    ]
    return contents(keep(tmp_path / "ledger", RUN, grades, missing=[Missing(sample="gone")], by=by_both()))


def made(found, form):
    file = io.BytesIO()
    FORMS[form](found, file)
    return file.getvalue().decode()


def test_rows_hold_every_sample_with_its_verdict(found, tmp_path) -> None:
    rows = list(csv.DictReader(io.StringIO(made(found, "csv"))))
    assert [row["verdict"] for row in rows] == [
        "right",
        "partly right",
        "wrong",
        "not graded",
        "never answered",
    ]
    assert rows[0] | {"value": "1"} == rows[0]
    assert rows[3]["answer"] == "'=1+1" and rows[3]["reason"] == "timed out"
    assert "\x00" not in rows[2]["answer"] and "\\x1b[31m\\u202e" in rows[2]["answer"]
    write(found, "parquet", tmp_path / "r.parquet")
    exact = pyarrow.parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert [row["verdict"] for row in exact] == [row["verdict"] for row in rows]
    assert exact[2]["answer"] == NASTY and exact[3]["answer"] == "=1+1"
    assert json.loads(exact[2]["judgements"])[0]["reasoning"] == NASTY


@pytest.mark.parametrize("number", ["-5", "-1,000.5", "+", "-x", "@sum", "\tx"])
def test_only_what_is_no_number_is_kept_from_being_calculated(tmp_path, number) -> None:
    kept = contents(keep(tmp_path, RUN, [grade("a", 1.0, number)]))
    (row,) = csv.DictReader(io.StringIO(made(kept, "csv")))
    assert row["answer"] == (number if number.startswith(("-5", "-1")) else f"'{number}")


def test_what_an_answer_was_held_against_is_in_every_form(tmp_path) -> None:
    kept = contents(keep(tmp_path, RUN, [grade("a", 0.0, context="the passage", rival=["one", "two"])]))
    (row,) = csv.DictReader(io.StringIO(made(kept, "csv")))
    assert (row["context"], row["rival"]) == ("the passage", '["one", "two"]')
    for form in ("junit", "html"):
        assert "the passage" in made(kept, form) and "two" in made(kept, form)


def test_junit_tells_wrong_from_not_graded_and_counts_what_it_holds(found) -> None:
    root = ElementTree.fromstring(made(found, "junit"))
    (suite,) = root
    assert (root.tag, suite.tag) == ("testsuites", "testsuite")
    for each in (root, suite):
        assert (each.get("tests"), each.get("failures"), each.get("errors")) == ("5", "2", "2")
    cases = list(suite)
    assert {case.tag for case in cases} == {"testcase"}
    assert all(case.get("name") and case.get("classname") and case.get("time") for case in cases)
    assert [[child.tag for child in case] for case in cases] == [
        [],
        ["failure"],
        ["failure"],
        ["error"],
        ["error"],
    ]
    assert cases[3][0].get("message") == "timed out" and cases[4][0].get("type") == "never answered"
    assert visible(NASTY) in (cases[2][0].text or "")
    assert cases[2].get("name") == visible(NASTY)


def test_markdown_keeps_what_a_run_wrote_in_code_spans(found) -> None:
    text = made(found, "markdown")
    outside = re.sub(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)", "", text)
    for markup in ("<script", "@someone", "![", "http"):
        assert markup in text and markup not in outside
    table = [line for line in text.splitlines() if line.startswith("| ") and "timed out" in line]
    assert table and "late" in table[-1]
    for line in text.splitlines():
        if line.startswith("|") and "script" in line:
            assert len(re.findall(r"(?<!\\)\|", line)) in (3, 4, 7)


@pytest.mark.parametrize("text", ["`", "``a`", "a`b``c", "|", "a|b", "", " \n ", "\\|"])
def test_a_code_span_ends_where_it_should(text) -> None:
    made = code(text)
    if not text.strip():
        assert made == ""
        return
    fence = re.match("`+", made)
    assert fence is not None
    inside = made[len(fence[0]) : -len(fence[0])]
    assert fence[0] not in re.findall("`+", inside)
    assert inside.strip().replace("\\|", "|") == text


def test_the_page_escapes_everything_and_allows_only_its_own_script(found) -> None:
    text = made(found, "html")
    assert text.count("<script") == text.count("</script>") == 2
    assert "alert(1)</script>" not in text and "\x00" not in text
    policy = html.unescape(re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1])  # type: ignore[index]
    assert policy.startswith("default-src 'none'; script-src 'sha256-") and "unsafe" not in policy
    data = json.loads(re.search(r'id="data">(.*?)</script>', text, re.DOTALL)[1])  # type: ignore[index]
    assert data["samples"][2][1] == NASTY and data["total"] == 5
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", text.replace(NASTY, ""))
    assert made(found, "html") == text


def test_of_too_many_samples_the_page_lists_those_that_are_not_right_first(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(page_data, "MOST", 10)
    monkeypatch.setattr("local_grader.reports.page.MOST", 10)
    kept = contents(keep(tmp_path, RUN, [grade(str(at), float(at % 10 > 0)) for at in range(60)]))
    listed = page_data.document(kept)["samples"]
    assert [row[1] for row in listed] == ["0", "1", "2", "3", "4", "10", "20", "30", "40", "50"]
    assert "Listed are 10 of 60 samples" in made(kept, "html")


def test_the_same_grades_make_the_same_files(tmp_path) -> None:
    kept = contents(keep(tmp_path, RUN, study(50), by=by_both()))
    for form in FORMS:
        first, second = tmp_path / f"1.{form}", tmp_path / f"2.{form}"
        write(kept, form, first)
        write(kept, form, second)
        assert first.read_bytes() == second.read_bytes()


def test_a_file_is_replaced_as_a_whole_or_left_as_it_was(found, tmp_path, monkeypatch) -> None:
    path = tmp_path / "report.csv"
    path.write_text("before")

    def broken(contents, file):
        file.write(b"half")
        raise RuntimeError("in the middle")

    monkeypatch.setitem(FORMS, "csv", broken)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError):
        write(found, "csv", path)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith(".tmp")] == []


def test_a_link_stays_a_link_and_what_it_names_is_replaced(found, tmp_path) -> None:
    real, link = tmp_path / "real.md", tmp_path / "link.md"
    real.write_text("before")
    try:
        link.symlink_to(real)
    except OSError:
        return  # Windows, without the right to make links
    write(found, "markdown", link)
    assert link.is_symlink() and real.read_text(encoding="utf-8").startswith("## Grades")


@pytest.mark.parametrize("name", ["nowhere/report.md", "file.txt/report.md", "."])
def test_a_file_that_cannot_be_written_is_one_sentence(found, tmp_path, name) -> None:
    (tmp_path / "file.txt").write_text("")
    with pytest.raises(HybridError) as caught:
        write(found, "markdown", tmp_path / name)
    assert str(caught.value).endswith(".") and caught.value.hint


def test_endings_name_forms(tmp_path) -> None:
    assert [form_of(tmp_path / name) for name in ("a.HTML", "b.md", "c.xml")] == ["html", "markdown", "junit"]
    with pytest.raises(UsageError, match=r"ending of .*a\.pdf names no form"):
        form_of(tmp_path / "a.pdf")


def test_what_cannot_be_seen_is_shown_and_the_rest_is_left_alone() -> None:
    assert visible("a\u200bb\u202e\x7f\U000e0041") == "a\\u200bb\\u202e\\x7f\\U000e0041"
    plain = "日本 ✓ 👩‍💻 é\u0301\t\n"
    assert visible(plain) == plain
    assert one_line(" a \n b ") == "a b" and one_line("abcdef", 4) == "abc…"
