"""Checks of the models that are to judge: that they answer here, with the context that was asked for, and to the point.

A judge is loaded for that, as it is for a grading, and let go of again.
"""

import json
from collections.abc import Iterator
from urllib.request import getproxies_environment

from local_grader.judge import CannotJudge, Judge, Prepared, Prompt
from local_grader.judges import JudgeSettings, endpoint_of, open_judge
from sync.clock import Clock
from sync.errors import HybridError
from sync.progress import Silent

from .config_grade import GradeSettings
from .doctor_findings import Examiner, Finding, fail, failed, ok, warn

_LOAD_S = 300.0  # a model of some gigabytes from a slow disk
_REPLY_S = 120.0
_VERDICTS = ("fail", "pass")
_PLAIN = Prompt(
    system='You judge answers. Reply with JSON: a short "reason", then the "verdict", which is "pass" or "fail".',
    user="Question: What is the capital of France?\nReference: Paris\nAnswer: It is Lyon.",
    schema={
        "type": "object",
        "properties": {
            "reason": {"type": "string", "maxLength": 200},
            "verdict": {"type": "string", "enum": list(_VERDICTS)},
        },
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    },
)


def examine(settings: GradeSettings, clock: Clock, examiner: Examiner, *, offline: bool) -> Iterator[Finding]:
    """``offline`` leaves out judges on other machines."""
    for name in settings.judge:
        try:
            wanted = JudgeSettings(
                endpoint=settings.endpoint,
                context=settings.context,
                reply_tokens=settings.reply_tokens,
                seed=settings.seed,
            )
            model, endpoint = endpoint_of(name, wanted)
            judge = open_judge(name, wanted, clock)
        except HybridError as error:
            yield failed(f"judge {name}", error)
            continue
        if offline and not endpoint.is_here:
            continue
        try:
            yield from proxies(model, endpoint.is_here)
            yield from _examine(model, judge, wanted.context, clock, examiner)
        finally:
            judge.close()


def proxies(model: str, is_here: bool) -> Iterator[Finding]:
    """Variables that name a proxy, where there are any: they are not followed."""
    found = sorted(each for each in getproxies_environment() if each in ("http", "https", "all"))
    if not found:
        return
    named = ", ".join(f"{each}_proxy" for each in found)
    what = f"{named} is set, and not used to ask a judge"
    if is_here:
        yield ok(f"proxy {model}", what)
    else:
        yield warn(f"proxy {model}", what, "See that its URL can be reached without a proxy.")


def _examine(model: str, judge: Judge, wanted: int, clock: Clock, examiner: Examiner) -> Iterator[Finding]:
    prepared: list[Prepared] = []

    def prepare() -> Iterator[Finding]:
        prepared.append(judge.prepare(Silent()))
        yield there(model, prepared[0])

    yield from examiner.make(f"judge {model}", prepare, _LOAD_S)
    if not prepared:
        return
    yield context(model, prepared[0], wanted)
    yield from examiner.make(f"verdict {model}", lambda: [verdict(model, judge, clock)], _REPLY_S)


def there(model: str, prepared: Prepared) -> Finding:
    """Whether there is anything to know of the server and the model before they are trusted."""
    name, identity = f"judge {model}", prepared.identity
    digest = "" if identity.digest.startswith(identity.model) else f" ({identity.digest[:12]})"
    what = f"{identity.server} runs {identity.model}{digest}"
    if not prepared.warnings:
        return ok(name, what)
    first, *others = prepared.warnings
    return warn(
        name, f"{what}: {first}", " ".join(others) or "Choose another model or server, or calibrate this one."
    )


def context(model: str, prepared: Prepared, wanted: int) -> Finding:
    """Whether prompts are as long as they are meant to be, and refused where they are longer."""
    name, got = f"context {model}", prepared.context
    if got is None:
        return warn(
            name, "nobody knows how long prompts may be", "Ask Ollama in its own way: its URL has no /v1."
        )
    if not prepared.refuses_overlong:
        what = f"{got} tokens, and prompts that are longer may be cut without a word"
        return warn(name, what, "Update the server, and keep samples well below that.")
    if got < wanted:
        what = f"{got} tokens, not the {wanted} that were asked for"
        return warn(name, what, f"Write context = {got} under [grade], or choose another model.")
    return ok(name, f"{got} tokens, and prompts that are longer are refused")


def verdict(model: str, judge: Judge, clock: Clock) -> Finding:
    """Whether a reply keeps to its schema, and fails what is plainly wrong."""
    name, began = f"verdict {model}", clock.monotonic()
    try:
        reply = judge.ask(_PLAIN)
    except CannotJudge as error:
        return fail(
            name, f"no reply: {error}".rstrip("."), "Try again; if it stays so, choose another model."
        )
    took = clock.monotonic() - began
    try:
        said = json.loads(reply.text)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict) or set(said) != {"reason", "verdict"} or said["verdict"] not in _VERDICTS:
        what = "the reply does not keep to the schema it was asked for"
        return fail(name, what, "Choose another model, or update the server that runs it.")
    if said["verdict"] == "pass":
        return warn(name, "it passed a plainly wrong answer", "Calibrate it, or choose another model.")
    return ok(name, f"a wrong answer fails, in {took:.1f} s")
