"""Whether a server refuses a prompt that is too long, or cuts it and judges what is left."""

import re

_NEAR = 8
_WORD = re.compile(r"[A-Za-z]{2,}")


def overlong(context: int) -> str:
    """A text of more than ``context`` tokens in any vocabulary: each digit behind a space is at least one."""
    return " ".join(str(index % 10) for index in range(context + 64))


def was_cut(prompt_tokens: int | None, context: int | None, *texts: str) -> bool:
    """Whether a server that cuts prompts has probably cut this one, by the count of tokens that it tells afterwards.

    No usual vocabulary has a token that goes over several words, so fewer tokens than words are not all of ``texts``. And
    Ollama from 0.30 on keeps the first tokens and about the last half of the window, which together are half of it and
    a few; before, and elsewhere, the window is filled to the brim. A whole prompt has such a length now and then: one
    sample that is not judged costs less than one that was judged without its beginning.
    """
    if not prompt_tokens:  # some servers tell 0 of every prompt
        return False
    if prompt_tokens < sum(len(_WORD.findall(text)) for text in texts):
        return True
    if context is None:
        return False
    return prompt_tokens >= context - _NEAR or abs(prompt_tokens - (context // 2 + 2)) <= _NEAR


def overflowed(prompt_tokens: int | None, reply_tokens: int | None, context: int) -> bool:
    """Whether prompt and reply filled the context, so that the reply was cut off, or ended when the server had dropped the
    prompt's beginning to go on."""
    return prompt_tokens is not None and prompt_tokens + (reply_tokens or 0) >= context
