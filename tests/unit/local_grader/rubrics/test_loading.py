"""Rubric files: what they hold, and that every mistake is told at once, with its line and what was meant."""

import re
from pathlib import Path

import pytest

import local_grader.rubrics
from local_grader import rubrics
from local_grader.rubrics.reading import parse
from local_grader.rubrics.rubric import Kind
from sync.errors import UsageError

PAGE = Path(__file__).parents[4] / "docs" / "rubrics.md"
EXAMPLES = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)

VERDICT = """\
kind = "verdict"
question = "Is it kind?"
needs = ["prompt"]

[verdicts]
kind = 1
unkind = 0
"""
CRITERIA = """\
kind = "criteria"

[[criteria]]
name = "short"
question = "Is it short?"

[[criteria]]
name = "clear"
question = "Is it clear?"
weight = 2
"""
PAIRWISE = """\
kind = "pairwise"
question = "Which is better?"
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(UsageError) as caught:
        parse("mine", text, "mine.toml")
    return [line.strip() for line in str(caught.value).splitlines()]


@pytest.mark.parametrize("name", rubrics.NAMES)
def test_shipped_rubrics_load_and_show_what_is_wanted(name: str, tmp_path: Path) -> None:
    rubric = rubrics.load(name, tmp_path)
    assert rubric.name == name and len(rubric.sha256) == 64 and rubric.examples


def test_the_list_of_shipped_rubrics_is_whole() -> None:
    folder = Path(local_grader.rubrics.__file__).parent
    assert {path.stem for path in folder.glob("*.toml")} == set(rubrics.NAMES)


@pytest.mark.parametrize("text", EXAMPLES)
def test_the_examples_of_the_documents_load(text: str) -> None:
    assert parse("example", text, "docs/rubrics.md").question


def test_the_documents_show_every_kind() -> None:
    assert {parse("example", text, "x").kind for text in EXAMPLES} == set(Kind)


def test_a_file_is_looked_for_in_the_folder(tmp_path: Path) -> None:
    (tmp_path / "kindness.toml").write_text("\ufeff" + VERDICT, encoding="utf-8")
    rubric = rubrics.load("kindness.toml", tmp_path)
    assert (rubric.name, rubric.kind, rubric.verdicts) == (
        "kindness",
        Kind.VERDICT,
        {"kind": 1.0, "unkind": 0.0},
    )
    assert (list(rubric.needs), list(rubric.uses)) == (["prompt"], [])
    assert rubrics.load(str(tmp_path / "kindness.toml"), Path("elsewhere")) == rubric


@pytest.mark.parametrize(
    ("said", "message", "hint"),
    [
        (
            "corect",
            "There is no rubric named corect.",
            "Did you mean correct? Choose one of correct, faithful,",
        ),
        (
            "x",
            "There is no rubric named x.",
            "Choose one of correct, faithful, pairwise, refusal, rubric, or",
        ),
    ],
)
def test_an_unknown_name_is_told_with_a_guess(said: str, message: str, hint: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        rubrics.load(said, tmp_path)
    assert caught.value.hint.startswith(hint)


def test_a_path_that_leads_nowhere_or_to_a_folder_is_told(tmp_path: Path) -> None:
    for said in ("a/none.toml", "none.toml", "none.TOML"):
        with pytest.raises(UsageError, match=r"There is no file .*none\.(toml|TOML)") as caught:
            rubrics.load(said, tmp_path)
        assert caught.value.hint.startswith("Look at the path")
    with pytest.raises(UsageError, match="cannot be read: "):
        rubrics.load(str(tmp_path), tmp_path)


def test_a_file_that_is_no_text_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_bytes(b'kind = "verdict"\nquestion = "\xff"\n')
    with pytest.raises(UsageError, match=r"r\.toml:2: the file is not UTF-8 text; save it as UTF-8\."):
        rubrics.load("r.toml", tmp_path)


def test_the_hash_looks_through_formatting_comments_and_names() -> None:
    again = """\
        # how kind
        needs = 'prompt'   # shown
        verdicts = { kind = 1.0, "unkind" = 0e0 }
        question = '''
        Is it kind?'''
        warning = "Kindness is a matter of taste."
        kind = 'verdict'
    """
    assert parse("a", again, "a").sha256 == parse("b", VERDICT, "b").sha256
    assert parse("a", VERDICT.replace("\n", "\r\n"), "a").sha256 == parse("b", VERDICT, "b").sha256


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Is it kind?", "Is it nice?"),
        ("unkind = 0", "unkind = 0.1"),
        ("kind = 1\nunkind = 0", "unkind = 0\nkind = 1"),
        ('"prompt"', '"context"'),
        ("[verdicts]", 'instructions = "Be strict."\n[verdicts]'),
    ],
)
def test_the_hash_changes_with_what_a_judge_is_asked(old: str, new: str) -> None:
    assert parse("a", VERDICT.replace(old, new), "a").sha256 != parse("a", VERDICT, "a").sha256


def test_criteria_are_weighted_and_sorted_whatever_their_order_in_the_file() -> None:
    rubric = parse("a", CRITERIA, "a")
    assert [(one.name, one.weight) for one in rubric.criteria] == [("clear", 2.0), ("short", 1.0)]
    assert rubric.question and rubric.verdicts == {"yes": 1.0, "no": 0.0}


def test_a_scale_warns_by_itself() -> None:
    rubric = parse("a", 'kind = "scale"\nquestion = "How good?"\nwarning = "Mine."', "a")
    assert (
        rubric.warning.startswith("Mine. Small models hardly agree") and "hybrid calibrate" in rubric.warning
    )
    assert rubric.verdicts == {"1": 0.0, "2": 0.25, "3": 0.5, "4": 0.75, "5": 1.0}


EXAMPLE = '[[examples]]\nprompt = "Hello"\nanswer = "Hi"\nreason = "Warm."\nverdict = "kind"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("kind = ", "1: this is not TOML: Invalid value"),
        ('kind = "verdict"\nkind = "scale"', "2: this is not TOML: Cannot overwrite a value"),
        ('x = """', "1: this is not TOML"),
        (VERDICT.replace('"verdict"', '"verdct"'), '1: kind is "verdct"; did you mean verdict?'),
        (VERDICT.replace('"verdict"', "3"), "1: kind must be one of verdict, criteria, pairwise, scale, in quotes"),
        (VERDICT.replace("question", "qestion"), "2: qestion is no key here; did you mean question?"),
        (VERDICT.replace('"Is it kind?"', '" "'), "2: question is empty; write it, or leave it out"),
        (VERDICT.replace('"Is it kind?"', "1"), "2: question must be text, in quotes"),
        (VERDICT.replace('"prompt"', '"refrence"'), 'holds "refrence", which is no field of a sample; did you mean reference?'),
        (VERDICT.replace('"prompt"', '"question"'), '3: needs holds "question", which is no field of a sample; did you mean prompt?'),
        (VERDICT.replace('"prompt"', '"rival"'), '3: needs holds rival, which only a rubric of kind = "pairwise" has'),
        (VERDICT.replace('"prompt"', '"answer"'), "3: needs holds answer, which is always shown; leave it out"),
        (VERDICT.replace('"prompt"', "1"), "3: needs must be a list of context, prompt, reference, each in quotes"),
        (VERDICT.replace("unkind = 0", "unkind = 2"), "7: verdicts.unkind must be a number from 0 to 1, what the verdict is worth, not 2"),
        (VERDICT.replace("unkind = 0", "unkind = nan"), "7: verdicts.unkind must be a number from 0 to 1"),
        (VERDICT.replace("unkind = 0", "unkind = true"), "7: verdicts.unkind must be a number from 0 to 1"),
        (VERDICT.replace("unkind = 0", "unkind = 1"), "5: verdicts gives all words the same worth"),
        (VERDICT.replace("unkind = 0", ""), "5: verdicts holds fewer than two words"),
        (VERDICT.replace("unkind =", "Kind ="), "7: verdicts.Kind differs from another verdict by capitals alone"),
        (VERDICT.replace("unkind =", '"!" ='), '7: verdicts."!" is no word that a judge can be held to'),
        (VERDICT.replace("[verdicts]", "[verdict]"), "5: verdict is no key here; did you mean verdicts?"),
        (VERDICT + CRITERIA.split("\n", 1)[1], '9: criteria has no place in a rubric of kind = "verdict"; its words stand in [verdicts]'),
        (PAIRWISE + "[verdicts]\na = 1", '3: verdicts has no place in a rubric of kind = "pairwise"; its verdicts are win, tie, lose'),
        (CRITERIA + "[verdicts]\na = 1", "its verdicts are yes, no for each of [[criteria]]"),
        ('kind = "criteria"\n[criteria]\nname = "a"', "2: criteria must be written as [[criteria]], with double brackets"),
        ('kind = "verdict"\nquestion = "?"\nverdicts = 1', "3: verdicts must be a table: write [verdicts] above its lines"),
        ('kind = "criteria"', "1: criteria holds nothing; write [[criteria]] with a name and a question"),
        (CRITERIA.replace("weight", "wieght"), "10: criteria[2].wieght is no key here; did you mean weight?"),
        (CRITERIA.replace("= 2", "= 0"), "10: criteria[2].weight must be a number above 0, not 0"),
        (CRITERIA.replace('"clear"', '"short"'), "8: criteria[2].name is short, as another criterion's is"),
        (CRITERIA.replace('"clear"', '"Is clear"'), "8: criteria[2].name must be short and simple"),
        (CRITERIA.replace('question = "Is it clear?"', ""), "7: criteria[2] has no question"),
        (CRITERIA + '[[criteria]]\nname = "a"\nquestion = "?"\n' * 11, "criteria holds 13, more than the 12"),
        (VERDICT + EXAMPLE.replace('"kind"', '"nice"'), '12: examples[1].verdict is "nice", and must be one of kind, unkind'),
        (VERDICT + EXAMPLE.replace("verdict", "verdit"), "12: examples[1].verdit is no key here; did you mean verdict?"),
        (VERDICT + EXAMPLE.replace('prompt = "Hello"', ""), "8: examples[1] has no prompt"),
        (VERDICT + EXAMPLE + EXAMPLE.replace('answer = "Hi"', "answer = 1"), "15: examples[2].answer must be text, in quotes"),
        (CRITERIA + EXAMPLE.replace('verdict = "kind"', "[examples.verdicts]\nshort = 'yes'"), "15: examples[1].verdicts says nothing of clear"),
        (CRITERIA + EXAMPLE.replace('verdict = "kind"', "[examples.verdicts]\nshort = []\nclaer='no'"), '16: examples[1].verdicts.short is [], and must be one of yes, no'),
        (CRITERIA + EXAMPLE.replace('verdict = "kind"', "[examples.verdicts]\nclaer='no'"), "16: examples[1].verdicts.claer is no criterion here; did you mean clear?"),
        (PAIRWISE + EXAMPLE.replace("kind", "win"), "3: examples[1] has no rival"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_its_line_and_what_was_meant(text: str, told: str) -> None:
    found = mistakes(text)
    assert any(told in line for line in found), found
    assert all(
        re.match(r"mine\.toml:\d+: .*[^.?][.?]$|\d+ mistakes in the rubric mine\.toml:$", line)
        for line in found
    )


def test_a_file_without_anything_says_what_belongs_into_it() -> None:
    whole, *found = mistakes("")
    assert whole == "3 mistakes in the rubric mine.toml:"
    assert (
        found[0]
        == 'mine.toml:1: the rubric has no kind; write one of verdict, criteria, pairwise, scale: kind = "verdict".'
    )
    assert "the rubric has no question" in found[1] and "the rubric has no [verdicts]" in found[2]


def test_all_mistakes_are_told_at_once_in_the_order_of_their_lines() -> None:
    text = VERDICT.replace("kind = 1", "kind = 7").replace("question", "qestion") + EXAMPLE.replace(
        "Warm.", ""
    )
    lines = [int(line.split(":")[1]) for line in mistakes(text)[1:]]
    assert len(lines) == 4 and lines == sorted(lines)


def test_lines_are_found_behind_long_texts_that_look_like_toml() -> None:
    text = VERDICT.replace("needs", 'instructions = """\n[verdicts]\nunkind = 3\n"""\nneeds').replace(
        "unkind = 0", "unkind = 8"
    )
    assert mistakes(text)[0].startswith("mine.toml:11: verdicts.unkind")
