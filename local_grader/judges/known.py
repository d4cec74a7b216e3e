"""What is known of models as judges, with its source; a user is told before a night is spent on one that cannot judge.

Accuracy is that of binary verdicts with the reference given: in ten tokens, and with reasoning before the verdict
(SLMJury, 2026: 64,824 judgements each). TPR and TNR, the shares of right answers that passed and of wrong ones that
failed, and kappa are against people's labels of 3,200 answers to TriviaQA ("Judging the Judges", 2024).
"""

import re
from dataclasses import dataclass

BETTER = "qwen3:4b and phi4-mini judge better and need about 3 GB"
_SLMJURY = "SLMJury 2026, verdicts with the reference given"
_TRIVIA = '"Judging the Judges" 2024, people\'s labels of TriviaQA'


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """``name`` matches how the family is written in names of models; the size in billions of parameters is at least
    ``least`` and below ``below``. ``figures`` is a clause with the source; ``advice`` is empty where none is needed."""

    name: str
    least: float
    below: float
    figures: str
    advice: str = ""

    def fits(self, model: str, billions: float) -> bool:
        return self.least <= billions < self.below and bool(re.search(self.name, model.lower()))


def _accuracy(short: float, reasoned: float) -> str:
    return f"{short} % of its short verdicts and {reasoned} % of its reasoned ones are right ({_SLMJURY})"


def _rates(tpr: float, tnr: float, kappa: float) -> str:
    return (
        f"it passes {100 * tpr:.1f} % of the right answers, but fails only {100 * tnr:.1f} % of the wrong ones: "
        f"kappa {kappa} ({_TRIVIA})"
    )


_NO_JUDGE = f"It is not a judge; {BETTER}."
_MARGINAL = f"Use it for binary verdicts with a reference only, and calibrate it; {BETTER}."
_PASSES = f"Expect it to pass too much, and calibrate it; {BETTER}."
_LLAMA32 = r"llama-?_?3[._]2"
_LLAMA31 = r"llama-?_?3[._]1"
_LLAMA3 = r"llama-?_?3(?![._]?\d)"
_QWEN3 = r"qwen-?_?3(?!\.)"
_QWEN25 = r"qwen-?_?2[._]5"

TABLE = (
    Known(name=_LLAMA32, least=0, below=2, figures=_accuracy(43.2, 65.5), advice=_NO_JUDGE),
    Known(name=_LLAMA32, least=2, below=6, figures=_accuracy(79.8, 81.8), advice=_MARGINAL),
    Known(name=_LLAMA31, least=6, below=12, figures=_accuracy(86.8, 83.7)),
    Known(name=_LLAMA3, least=6, below=12, figures=_rates(0.996, 0.553, 0.61), advice=_PASSES),
    Known(name=_QWEN3, least=0, below=1.2, figures=_accuracy(67.9, 76.4), advice=_NO_JUDGE),
    Known(name=_QWEN3, least=1.2, below=3, figures=_accuracy(84.1, 86.0), advice=_MARGINAL),
    Known(name=_QWEN3, least=3, below=6, figures=_accuracy(87.6, 87.8)),
    Known(name=_QWEN3, least=6, below=10, figures=_accuracy(89.0, 87.4)),
    Known(name=_QWEN25, least=2, below=5, figures=_accuracy(77.7, 76.9), advice=_MARGINAL),
    Known(name=_QWEN25, least=5, below=10, figures=_accuracy(77.5, 86.6)),
    Known(name=r"phi-?4.?mini", least=2, below=6, figures=_accuracy(88.2, 87.6)),
    Known(name=r"phi-?4", least=10, below=20, figures=_accuracy(89.6, 87.2)),
    Known(name=r"llama-?2", least=5, below=10, figures=_rates(0.99, 0.43, 0.47), advice=_PASSES),
    Known(name=r"llama-?2", least=10, below=20, figures=_rates(0.97, 0.71, 0.72), advice=_PASSES),
    Known(name=r"mistral", least=6, below=8, figures=_rates(0.99, 0.61, 0.65), advice=_PASSES),
    Known(name=r"gemma(?!-?_?[2-9])", least=1, below=4, figures=_rates(0.91, 0.14, 0.05), advice=_NO_JUDGE),
)
_UNTAGGED = {
    "gemma": 8.5,
    "llama2": 6.7,
    "llama3": 8.0,
    "llama3.1": 8.0,
    "llama3.2": 3.2,
    "mistral": 7.2,
    "phi4": 14.7,
    "phi4-mini": 3.8,
    "qwen2.5": 7.6,
    "qwen3": 8.2,
}
_OTHER_TASKS = ("faithful", "pairwise", "refusal", "rubric")
_TINY = 2.0
_SMALL = 10.0


def known(model: str, billions: float | None) -> Known | None:
    """What was measured of that model, of ``billions`` parameters; where those are not known, by what its name says."""
    size = billions if billions is not None else size_in(model)
    if size is None:
        return None
    return next((each for each in TABLE if each.fits(model, size)), None)


def warnings(model: str, billions: float | None) -> tuple[str, ...]:
    """Sentences for whoever chose that model, none where nothing speaks against it."""
    found = known(model, billions)
    if found is not None:
        return (f"{model} is known as a judge: {found.figures}. {found.advice}",) if found.advice else ()
    size = billions if billions is not None else size_in(model)
    if size is None or size >= _SMALL:
        return ()
    if size < _TINY:
        return (
            f"{model} has less than {_TINY:g} billion parameters, and no such model is known to judge well. {BETTER}.",
        )
    return (
        f"Nothing is known of {model} as a judge, and small judges pass too much: calibrate it before you trust it.",
    )


def told(model: str, rubric: str | None = None) -> str:
    """A clause on what was measured of that model; empty where ``warnings`` tells what there is to tell. All was measured on
    what is correct: of other rubrics that come with the program, it says nothing."""
    if warnings(model, None):
        return ""
    found = known(model, None)
    if found is None:
        return "nothing as a judge; calibrate it before you trust it"
    if rubric in _OTHER_TASKS:
        return f"nothing by the rubric {rubric}; calibrate it before you trust it"
    return found.figures


def size_in(model: str) -> float | None:
    """Billions of parameters as the name of a model tells them: ``8b``, ``0.6B``, ``llama-3.2-1b-instruct``; or what Ollama has
    under a name that tells none."""
    name = model.lower().replace("_", "-")
    found = re.search(r"(?<![\w.])(\d+(?:\.\d+)?)b(?![a-z0-9])", name)
    return float(found[1]) if found else _UNTAGGED.get(name.removesuffix(":latest"))


def size_of(text: str) -> float | None:
    """Billions of parameters as Ollama writes them: ``3.2B``, ``751.63M``."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([BM])", text.strip(), re.IGNORECASE)
    if found is None:
        return None
    return float(found[1]) * (1.0 if found[2].upper() == "B" else 0.001)
