"""A judge without a server: replies come from a function. For tests, and for trying a rubric without a model."""

from collections.abc import Callable, Mapping

from sync.progress import Progress

from ..judge import Identity, JudgeUnavailable, Prepared, Prompt, Reply, Seen
from ..scorer import Option

Script = Callable[[Prompt, int], Reply | str]
"""What is answered to a prompt that was sent that often before. May raise CannotJudge or JudgeUnavailable, and is
called from as many threads as ask."""


class ScriptedJudge:
    """Keeps the contract of ``Judge``, with any ``context`` in tokens that it is given."""

    def __init__(
        self,
        script: Script,
        *,
        name: str = "scripted",
        options: Mapping[str, Option] | None = None,
        context: int | None = None,
    ) -> None:
        self._script = script
        self._identity = Identity(model=name, digest=name, server="scripted", options=dict(options or {}))
        self._context = context
        self._prepared = False
        self._closed = False

    def look(self) -> Seen:
        self._must_be_open()
        return Seen(identity=self._identity)

    def prepare(self, progress: Progress) -> Prepared:
        seen = self.look()
        self._prepared = True
        return Prepared(identity=seen.identity, context=self._context, refuses_overlong=True)

    def pull(self, progress: Progress) -> None:
        self._must_be_open()

    def ask(self, prompt: Prompt, attempt: int = 0) -> Reply:
        self._must_be_open()
        if not self._prepared:
            raise RuntimeError("a judge is prepared before it is asked")
        answer = self._script(prompt, attempt)
        return Reply(text=answer) if isinstance(answer, str) else answer

    def close(self) -> None:
        self._closed = True

    def _must_be_open(self) -> None:
        if self._closed:
            raise JudgeUnavailable(
                f"The judge {self._identity.model} was let go of.", "Start the grading again."
            )
