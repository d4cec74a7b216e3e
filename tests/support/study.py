"""A small study: questions about capitals, which rules decide where they can and two judges elsewhere."""

import random
from typing import Any

from local_grader.ledger import Judging
from local_grader.scores import Grade, Judgement

from .kept_grades import grade, judging

JUDGES = ("qwen3:4b", "phi4-mini")
RUN = "20260412-213005-capitals-4be1"
_PLACES = {
    "Europe": "France:Paris Spain:Madrid Italy:Rome Norway:Oslo Greece:Athens Poland:Warsaw Portugal:Lisbon Latvia:Riga",
    "Asia": "Japan:Tokyo China:Beijing Nepal:Kathmandu Thailand:Bangkok Vietnam:Hanoi Jordan:Amman Turkey:Ankara",
    "Africa": "Egypt:Cairo Kenya:Nairobi Ghana:Accra Senegal:Dakar Morocco:Rabat Nigeria:Abuja Rwanda:Kigali",
    "Americas": "Canada:Ottawa Brazil:Brasilia Peru:Lima Chile:Santiago Cuba:Havana Uruguay:Montevideo Ecuador:Quito",
    "Oceania": "Australia:Canberra Fiji:Suva Samoa:Apia Tonga:Nukualofa Palau:Ngerulmud",
}
_ASKED = (
    "What is the capital of {}?",
    "Which city is the seat of government of {}?",
    "Name the capital city of {}.",
    "In which city does the parliament of {} meet?",
)
_SAID = (
    "{}",
    "The capital is {}.",
    "It is {}, which has been the seat of government for a long time.",
    "{} is the answer.",
)
_SKILL = {"Europe": 0.86, "Asia": 0.7, "Africa": 0.52, "Americas": 0.66, "Oceania": 0.35}
_REASONS = ("timed out", "reply cut off", "prompt too long")


def by_both() -> Judging:
    """How its judges decided."""
    return judging(*JUDGES, digest="0" * 12, server="ollama 0.33.0")


def study(samples: int, seed: int = 7) -> list[Grade]:
    """The first so many of its grades; another seed makes others."""
    dice = random.Random(seed)
    asked = [
        (region, *pair.split(":"), question)
        for region, pairs in _PLACES.items()
        for pair in pairs.split()
        for question in _ASKED
    ]
    return [_one(at, dice, *asked[at % len(asked)]) for at in range(samples)]


def _one(at: int, dice: random.Random, region: str, country: str, capital: str, question: str) -> Grade:
    right = dice.random() < _SKILL[region]
    other = dice.choice([pair.split(":")[1] for pair in _PLACES[region].split()])
    said = dice.choice(_SAID).format(capital if right else other)
    truth, lot = capital in said, dice.random()
    about: dict[str, Any] = {"prompt": question.format(country), "reference": capital, "group": region}
    name = f"{country.lower()}-{at:05d}"
    if lot < 0.03:
        reason = dice.choice(_REASONS)
        return grade(name, None, said, reason=reason, stage="judge", explanation="No verdict came.", **about)
    if said == capital:
        return grade(name, 1.0, said, stage="exact", **about)
    if lot < 0.6:
        stage = dice.choice(("normalised", "recall"))
        return grade(
            name,
            float(truth),
            said,
            stage=stage,
            explanation="" if truth else f"{capital} is not in it.",
            **about,
        )
    lenient = truth or dice.random() < 0.15
    said_by = [_judgement(judge, lenient != (dice.random() < 0.06), capital) for judge in JUDGES]
    lowest = min(said_by, key=lambda one: one.value or 0.0)
    return grade(
        name, lowest.value, said, stage="judge", judgements=said_by, explanation=lowest.reasoning, **about
    )


def _judgement(judge: str, passes: bool, capital: str) -> Judgement:
    verb = "names" if passes else "does not name"
    return Judgement(
        judge=judge,
        verdict="correct" if passes else "incorrect",
        value=float(passes),
        reasoning=f"The reference is {capital}. The answer {verb} it.",
    )
