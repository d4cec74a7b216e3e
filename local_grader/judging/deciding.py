"""Has judges decide what no rule could: one judge after the other, since a laptop holds one model at a time."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass

from sync.clock import Clock
from sync.progress import Progress

from ..judge import CannotJudge, Identity, Judge, JudgeUnavailable, ModelMissing, NotNow, Prompt, Seen
from ..rubrics.prompts import Questions, Unaskable, settled
from ..rubrics.rubric import Rubric
from ..rubrics.verdicts import check, judgement
from ..scores import UNDECIDED, Grade, Judgement, Score
from .advice import advice, is_unjudged
from .asking import Asking, Health, not_now
from .journal import Answer, Journal, last_called
from .pace import Pace
from .panel import Pool, pooled
from .sameness import all_alike
from .wish import JudgingRequest

UNAVAILABLE = "judge unavailable"
SAME = "the same answer"
LATER = "judge to be asked later"


@dataclass(frozen=True, kw_only=True)
class Way:
    """How judges are asked: what was wished for, with its rubric read."""

    request: JudgingRequest
    rubric: Rubric

    def called(self, name: str) -> str:
        """The judge as the user names it, with what decides how it is asked."""
        settings = self.request.settings
        return f"{name} {json.dumps([settings.context, settings.reply_tokens, settings.seed])}"

    def journal(self, judge: Identity, name: str) -> Journal:
        return Journal(self.request.journal, judge, self.rubric.sha256, self.called(name))


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """How it went with one judge. ``identity`` is None where it could not even be asked; ``trouble`` then says why,
    and where it went away on the way. ``warnings`` are sentences for the user."""

    name: str
    identity: Identity | None
    health: Health
    warnings: Sequence[str] = ()
    trouble: JudgeUnavailable | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Decided:
    """``grades`` in the order in which they came; ``asked`` is how many of them were left to the judges. ``warning`` is what
    the rubric says should stand beside the results."""

    grades: list[Grade]
    asked: int
    heard: Sequence[Heard]
    warning: str = ""

    @property
    def warnings(self) -> Sequence[str]:
        """Sentences for the user: of the rubric, of the judges, and of what they could not judge."""
        return [
            *([self.warning] if self.warning else []),
            *(warning for one in self.heard for warning in one.warnings),
            *self._alike(),
            *advice(self.grades),
        ]

    def _alike(self) -> list[str]:
        said: dict[str, Counter[str]] = {one.name: Counter() for one in self.heard}
        for grade in self.grades:
            for one in grade.score.judgements:
                if one.value is not None:
                    said[one.judge][one.verdict] += 1
        return [told for name, verdicts in said.items() if (told := all_alike(name, verdicts))]

    @property
    def unheard(self) -> int:
        """How many of them because a judge could not be asked."""
        return sum(grade.score.reason in (UNAVAILABLE, LATER) for grade in self.grades)

    @property
    def unjudged(self) -> int:
        """How many samples were left without a verdict although judges were asked about them."""
        return sum(map(is_unjudged, self.grades))

    def verdicts_sha256(self) -> str:
        """Over all that the judges said, in hex."""
        said = [
            [grade.sample.id, [asdict(one) for one in grade.score.judgements], grade.score.reason]
            for grade in self.grades
            if grade.score.judgements
        ]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def decide(
    grades: Sequence[Grade], judges: Mapping[str, Judge], way: Way, clock: Clock, progress: Progress
) -> Decided:
    """``grades`` with the undecided ones decided, as far as the judges, by name, can be reached and say something."""
    result = list(grades)
    ask = Questions(way.rubric)
    questions: dict[int, Sequence[Prompt]] = {}
    for index, grade in enumerate(grades):
        if grade.score.reason == UNDECIDED:
            if (tie := settled(way.rubric, grade.sample)) is not None:
                score = Score(value=tie, answer=grade.score.answer, explanation=SAME, stage=SAME)
                result[index] = grade._replace(score=score)
                continue
            try:
                questions[index] = ask.of(grade.sample)
            except Unaskable as error:
                score = grade.score._replace(reason=error.reason, explanation=str(error))
                result[index] = grade._replace(score=score)
    prompts = {prompt.sha256: prompt for asked in questions.values() for prompt in asked}
    heard: list[Heard] = []
    judgements: dict[int, list[Judgement]] = {index: [] for index in questions}
    for name, judge in judges.items():
        replies, how = _ask(name, judge, prompts, way, clock, progress)
        heard.append(how)
        for index, asked in questions.items():
            said = [replies[prompt.sha256] for prompt in asked]
            judgements[index].append(judgement(way.rubric, name, said))
    for index in questions:
        score = _score(grades[index].score, judgements[index], way.request.pool)
        result[index] = grades[index]._replace(score=score)
    return Decided(grades=result, asked=len(questions), heard=heard, warning=way.rubric.warning)


def _score(score: Score, judgements: Sequence[Judgement], pool: Pool) -> Score:
    return pooled(judgements, pool, score.answer)._replace(details=score.details)


def _ask(
    name: str, judge: Judge, prompts: Mapping[str, Prompt], way: Way, clock: Clock, progress: Progress
) -> tuple[Mapping[str, str | CannotJudge], Heard]:
    if not prompts:
        return {}, Heard(name=name, identity=None, health=Health())
    with closing(judge):
        try:
            if not way.request.may_ask():
                raise not_now()  # before a model is fetched or loaded in vain
            seen = _seen(name, judge, way, progress)
        except JudgeUnavailable as error:
            return _from_before(name, prompts, way, error)
        trouble = None
        with closing(way.journal(seen.identity, name)) as journal:
            asking = Asking(
                judge,
                journal,
                lambda text: check(way.rubric, text),
                name=name,
                clock=clock,
                progress=progress,
                pace=Pace(way.request.slots),
                retries=way.request.retries,
                fresh=way.request.fresh,
                may_ask=way.request.may_ask,
                tell=way.request.tell,
            )
            try:
                answers = asking.run(prompts)
            except JudgeUnavailable as error:
                if asking.prepared is None:
                    return _from_before(name, prompts, way, error)
                answers, trouble = journal.known(list(prompts)), error
    warnings = list((asking.prepared or seen).warnings)
    if asking.health.reloads > 1:
        warnings.append(
            f"The server loaded {name} anew {asking.health.reloads} times while it was being asked: something else uses "
            "it, with other settings or another model."
        )
    heard = Heard(name=name, identity=seen.identity, health=asking.health, warnings=warnings, trouble=trouble)
    return _replies(prompts, answers, trouble), heard


def _from_before(
    name: str, prompts: Mapping[str, Prompt], way: Way, trouble: JudgeUnavailable
) -> tuple[Mapping[str, str | CannotJudge], Heard]:
    """What is known of a judge that cannot be asked now. Where that is all that is needed, nothing is the matter."""
    identity = None if way.request.fresh else last_called(way.request.journal, way.called(name))
    known: dict[str, Answer] = {}
    if identity is not None:
        with closing(way.journal(identity, name)) as journal:
            known = journal.settled(list(prompts))
    is_whole = len(known) == len(prompts)
    heard = Heard(
        name=name,
        identity=identity if known else None,
        health=Health(known=len(known)),
        trouble=None if is_whole else trouble,
    )
    return _replies(prompts, known, trouble), heard


def _seen(name: str, judge: Judge, way: Way, progress: Progress) -> Seen:
    try:
        return judge.look()
    except ModelMissing:
        if not way.request.may_pull(name):
            raise
        judge.pull(progress)
        return judge.look()


def _replies(
    prompts: Mapping[str, Prompt], answers: Mapping[str, Answer], trouble: JudgeUnavailable | None
) -> dict[str, str | CannotJudge]:
    """For every prompt; without ``trouble`` each has an answer."""
    replies: dict[str, str | CannotJudge] = {}
    if trouble is not None:
        reason = LATER if isinstance(trouble, NotNow) else UNAVAILABLE
        replies = dict.fromkeys(prompts, CannotJudge(reason, str(trouble), is_passing=True))
    for prompt, answer in answers.items():
        failure = CannotJudge(answer.reason or "", answer.explanation, is_passing=answer.is_passing)
        replies[prompt] = failure if answer.text is None else answer.text
    return replies
