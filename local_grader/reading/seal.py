"""The files that SEAL (self-adapting language models) writes about its question answering and its ARC runs.

Results of question answering are nested: ``articles``, in each of them ``completions``, in each of those ``questions`` with
``question``, the right ``answer``, a ``baseline_answer``, an ``adapter_answer``, and what SEAL's own grader said of the two.
They become one row a question. Its id is ``ARTICLE/COMPLETION/QUESTION``, counted from 0, so that two runs over the same
questions can be compared; the title is no id, because several passages may come from one article.

What SEAL's grader said is no grade here: it counts a failure to grade as wrong. It stays in the row, as a label.
"""

from collections.abc import Iterator, Mapping

FIELDS = {"answer": "adapter_answer", "reference": "answer", "group": "article"}
"""What the fields of a row mean where nobody says otherwise."""

VERDICTS = "holds verdicts and no answers; of an ARC run, grade the submission.json"

_CONTEXTS = ("context", "passage", "document")


def is_results(whole: Mapping[str, object]) -> bool:
    """Whether these are results of question answering, with answers."""
    return any("completions" in article for article in _objects(whole.get("articles")))


def is_verdicts(whole: Mapping[str, object]) -> bool:
    """Whether these are results that say only what was right: by article, or by task in columns as ``final_results.json``."""
    by_article = "overall" in whole and bool(list(_objects(whole.get("articles")))) and not is_results(whole)
    tables = [whole, *_objects(list(whole.values()))]
    return by_article or any(
        all(isinstance(table.get(name), dict | list) for name in ("task_id", "correct")) for table in tables
    )


def rows_of(whole: Mapping[str, object]) -> Iterator[tuple[str, dict[str, object]]]:
    """Each question as (id, fields)."""
    for place, article in _numbered(whole.get("articles")):
        title = article.get("title")
        shared: dict[str, object] = {"article": title if isinstance(title, str) and title else place}
        shared |= {name: article[name] for name in _CONTEXTS if name in article}
        for number, completion in _numbered(article.get("completions")):
            for index, question in _numbered(completion.get("questions")):
                identity = f"{place}/{number}/{index}"
                yield identity, {**shared, **question, "article": shared["article"], "id": identity}


def _numbered(values: object) -> Iterator[tuple[str, dict[str, object]]]:
    """The objects of a list; each keeps its place in it, also where others are no objects."""
    if isinstance(values, list):
        for place, value in enumerate(values):
            if isinstance(value, dict):
                yield str(place), value


def _objects(values: object) -> Iterator[dict[str, object]]:
    return (value for _, value in _numbered(values))
