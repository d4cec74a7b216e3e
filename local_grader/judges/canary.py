"""Whether a server refuses a prompt that is too long, or cuts it and judges what is left."""

_NEAR = 8


def overlong(context: int) -> str:
    """A text of more than ``context`` tokens in any vocabulary: each digit behind a space is at least one."""
    return " ".join(str(index % 10) for index in range(context + 64))


def was_cut(prompt_tokens: int | None, context: int) -> bool:
    """Whether a server that cuts prompts has probably cut this one, by the count of tokens that it tells afterwards.

    Ollama from 0.30 on keeps the first tokens and about the last half of the window, which together are half of it and
    a few; before, and elsewhere, the window is filled to the brim. A whole prompt has such a length now and then: one
    sample that is not judged costs less than one that was judged without its beginning.
    """
    if prompt_tokens is None:
        return False
    return prompt_tokens >= context - _NEAR or abs(prompt_tokens - (context // 2 + 2)) <= _NEAR
