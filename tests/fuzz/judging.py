"""The targets of what judges write, and of what they are asked; as in ``targets``."""

from pathlib import Path

from local_grader import rubrics
from local_grader.rubrics.prompts import prompts_for
from local_grader.rubrics.reading import parse
from local_grader.rubrics.verdicts import BadReply, check, judgement
from local_grader.samples import Sample
from sync.errors import HybridError

ASKED = [rubrics.load(name, Path()) for name in rubrics.NAMES]


def verdict(data: bytes) -> bool:
    """A judge's reply; the first byte chooses the rubric."""
    asked = ASKED[data[0] % len(ASKED)] if data else ASKED[0]
    text = data[1:].decode("utf-8", "surrogateescape")
    is_pair = asked.name == "pairwise"
    said = judgement(asked, "j", [text, text] if is_pair else [text])
    said.reasoning.encode()
    assert len(said.reasoning) < 1500
    try:
        check(asked, text)
    except BadReply as error:
        assert said.value is None and len(str(error)) < 1000
        return False
    assert said.value is not None and 0 <= said.value <= 1
    assert said.verdict == "tie" if is_pair else said.verdict in asked.verdicts or said.parts
    return True


def rubric(data: bytes) -> bool:
    """The text of a rubric file, of which a prompt can be made if it is let in."""
    try:
        found = parse("r", data.decode("utf-8", "replace"), "r.toml")
    except HybridError as error:
        assert str(error).count("r.toml:") >= 1
        return False
    assert 0 <= min(found.verdicts.values()) < max(found.verdicts.values()) <= 1
    sample = Sample(id="1", answer="a", place="x", prompt="p", reference="r", context="c", rival="b")
    assert [prompt.sha256 for prompt in prompts_for(found, sample)]
    return True
