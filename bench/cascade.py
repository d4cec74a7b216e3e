"""How far the cascade agrees with a large judge's verdicts, beside plainer rules, and what each of its stages decides.

Reads ``seal_answers.jsonl`` in the folder that HYBRID_TEST_DATA names. Answers to one article's questions resemble one another, so
articles are what is drawn, both for intervals and for folds. Out of fold, the threshold is chosen anew on the other
articles; the rules themselves were written with all of them in sight.
"""

import json
import os
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, quantiles
from typing import Any

from bench import report
from local_grader import scorers
from local_grader.samples import Sample
from local_grader.scorers import stages
from local_grader.scorers.words import plain

_THRESHOLDS = (0.3, 0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9, 1.0)
_FOLDS, _REPEATS, _RESAMPLES, _SEED = 5, 20, 2000, 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """An answer, and whether most of the verdicts on it were yes."""

    sample: Sample
    right: bool


def cases(path: Path) -> list[Case]:
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [Case(sample=_sample(row), right=2 * sum(row["verdicts"]) > len(row["verdicts"])) for row in rows]


def kappa(pairs: Iterable[tuple[bool, bool]]) -> float:
    """Cohen's kappa of pairs of verdicts: agreement beyond chance, as a share of what is possible."""
    told = list(pairs)
    agreed = mean(left == right for left, right in told)
    left, right = mean(pair[0] for pair in told), mean(pair[1] for pair in told)
    chance = left * right + (1 - left) * (1 - right)
    return 1.0 if chance == 1 else (agreed - chance) / (1 - chance)


def by_recall(case: Case, threshold: float) -> bool:
    """Token recall alone: the share of the reference's words, articles left out, that are words of the answer."""
    words = [word for word in plain(str(case.sample.reference)).split() if word not in ("a", "an", "the")]
    answer = set(plain(str(case.sample.answer)).split())
    return bool(words) and sum(word in answer for word in words) / len(words) >= threshold


def by_cascade(case: Case, threshold: float = stages.MOST) -> bool:
    text = str(case.sample.answer)
    reference = str(case.sample.reference)
    return stages.decide(text, plain(text), reference, case.sample.prompt, threshold).right


def main() -> None:
    given = report.arguments(__doc__.splitlines()[0]).parse_args()
    known = cases(Path(os.environ["HYBRID_TEST_DATA"]) / "seal_answers.jsonl")
    rules: dict[str, list[bool]] = {}
    for name in ("exact", "includes"):
        scorer = scorers.make(name, {})
        rules[name] = [scorer.score(case.sample).value == 1 for case in known]
    rules["token recall, 0.8"] = [by_recall(case, 0.8) for case in known]
    rules["cascade"] = [by_cascade(case) for case in known]
    chosen = {"token recall, 0.8": _out_of_fold(known, by_recall), "cascade": _out_of_fold(known, by_cascade)}
    rows = [
        [name, _percent(_agreement(known, said)), *_interval(known, said, kappa), _folds(chosen.get(name))]
        for name, said in rules.items()
    ]
    headings = ["rule", "agrees", "kappa", "95 % interval", "kappa out of fold"]
    whole = report.table(headings, rows)
    left = _stages(known)
    articles = len({case.sample.group for case in known})
    text = (
        f"Measured on {report.today()}: {len(known):,} answers on {articles} articles. The rules decide everything"
        f' (`undecided = "decide"`); {_speed(known, "decide"):.0f} microseconds an answer:\n\n{whole}\n\n'
        f'Doubtful answers are left to a judge (`undecided = "leave"`); {_speed(known, "leave"):.0f} microseconds an answer:\n\n{left}'
    )
    print(text)
    report.put(given.document, "bench.cascade", text)
    report.save(given.json, {"kappa": {name: kappa(_pairs(known, said)) for name, said in rules.items()}})


def _sample(row: Mapping[str, Any]) -> Sample:
    return Sample(
        id=row["id"],
        answer=row["answer"],
        reference=row["reference"],
        prompt=row["question"],
        group=row["article"],
        place="seal_answers.jsonl",
    )


def _pairs(known: Sequence[Case], said: Sequence[bool]) -> list[tuple[bool, bool]]:
    return [(verdict, case.right) for verdict, case in zip(said, known, strict=True)]


def _agreement(known: Sequence[Case], said: Sequence[bool]) -> float:
    return mean(left == right for left, right in _pairs(known, said))


def _out_of_fold(known: Sequence[Case], rule: Callable[[Case, float], bool]) -> list[float]:
    """Kappa of each repeat, over verdicts each of which used the threshold that was best on other articles."""
    said = {threshold: [rule(case, threshold) for case in known] for threshold in _THRESHOLDS}
    articles = sorted({str(case.sample.group) for case in known})
    draw = random.Random(_SEED)
    found = []
    for _ in range(_REPEATS):
        draw.shuffle(articles)
        fold_of = {article: at % _FOLDS for at, article in enumerate(articles)}
        folds = [fold_of[str(case.sample.group)] for case in known]
        best = [
            max(
                _THRESHOLDS,
                key=lambda each: kappa(
                    (said[each][at], known[at].right) for at in range(len(known)) if folds[at] != fold
                ),
            )
            for fold in range(_FOLDS)
        ]
        found.append(kappa((said[best[folds[at]]][at], known[at].right) for at in range(len(known))))
    return found


def _interval(
    known: Sequence[Case], said: Sequence[bool], of: Callable[[list[tuple[bool, bool]]], float]
) -> tuple[str, str]:
    """The number and its bootstrap interval, by article."""
    groups = defaultdict(list)
    for case, pair in zip(known, _pairs(known, said), strict=True):
        groups[case.sample.group].append(pair)
    draw = random.Random(_SEED)
    drawn = [
        of([pair for group in draw.choices(list(groups.values()), k=len(groups)) for pair in group])
        for _ in range(_RESAMPLES)
    ]
    edges = quantiles(drawn, n=40)
    return f"{of(_pairs(known, said)):.3f}", f"{edges[0]:.3f} to {edges[-1]:.3f}"


def _folds(found: list[float] | None) -> str:
    return "" if found is None else f"{mean(found):.3f} ({min(found):.3f} to {max(found):.3f})"


def _stages(known: Sequence[Case]) -> str:
    decide, leave = (scorers.make("cascade", {"undecided": each}) for each in ("decide", "leave"))
    decided = defaultdict(list)
    for case in known:
        said = decide.score(case.sample)
        sure = leave.score(case.sample).value is not None
        for name in (said.stage, "all that is decided") if sure else ("left to a judge",):
            decided[name].append((case, said.value == 1))
    rows = []
    for name in (*stages.STAGES, "all that is decided", "left to a judge"):
        if found := decided[name]:
            those, verdicts = [case for case, _ in found], [verdict for _, verdict in found]
            share, interval = _interval(those, verdicts, lambda pairs: 100 * mean(a == b for a, b in pairs))
            false = [sum(v == way != c.right for c, v in found) for way in (True, False)]
            edges = " to ".join(f"{float(edge):.1f}" for edge in interval.split(" to "))
            rows.append(
                [
                    name,
                    f"{len(found):,}",
                    _percent(len(found) / len(known)),
                    f"{float(share):.1f} %",
                    edges,
                    *map(str, false),
                ]
            )
    return report.table(
        ["stage", "answers", "share", "agrees", "95 % interval", "wrongly passed", "wrongly failed"], rows
    )


def _speed(known: Sequence[Case], undecided: str) -> float:
    """Microseconds an answer, where a reference was met before: the best of five rounds."""
    scorer = scorers.make("cascade", {"undecided": undecided})
    took = []
    for _ in range(5):
        begun = time.perf_counter()
        for case in known:
            scorer.score(case.sample)
        took.append(time.perf_counter() - begun)
    return min(took) / len(known) * 1e6


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    main()
