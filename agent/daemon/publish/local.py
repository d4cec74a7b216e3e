"""What the publishing side has open in ``.hybrid/``, as long as that is the same."""

import contextlib
from dataclasses import dataclass

from sync.local.index import Index

from ... import pushing
from ...state import State
from ...state import opened as opened_state
from ..ground import Ground


@dataclass(frozen=True, kw_only=True)
class Local:
    """``place`` tells the project folder from another, and ``memory`` the local state; ``message`` is a sentence where what
    was there had to be set aside, or empty."""

    place: tuple[int, int]
    memory: tuple[int, int] | None
    index: Index
    state: State
    message: str
    stack: contextlib.ExitStack

    @classmethod
    def opened(cls, ground: Ground, place: tuple[int, int]) -> "Local":
        """Raises HybridError, and OSError where nothing can be made there."""
        with contextlib.ExitStack() as stack:
            index, message = pushing.open_index(ground.project)
            stack.enter_context(index)
            state = stack.enter_context(opened_state(ground.project, lambda text: None))
            return cls(
                place=place,
                memory=ground.memory(),
                index=index,
                state=state,
                message=message,
                stack=stack.pop_all(),
            )

    def close(self) -> None:
        self.stack.close()
