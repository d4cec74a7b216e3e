"""What a user may decide about a judge."""

from dataclasses import dataclass

from sync.errors import UsageError

LEAST_CONTEXT = 256


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgeSettings:
    """endpoint        URL of the server; None for what OLLAMA_HOST says, else Ollama's default
    context         tokens that prompt and reply may have together
    reply_tokens    tokens after which a reply is cut off, and then not used
    seed            of the model's sampling, which at temperature 0 has little to decide
    timeout_s       seconds of silence after which a request is given up: those until the first token are the longest
    limit_s         seconds after which a request is given up however much the server says
    load_timeout_s  the same as both while the model is loaded or fetched: minutes, from a slow disk
    keep_alive_s    seconds for which the server keeps an idle model; it is let go of at the end anyway
    """

    endpoint: str | None = None
    context: int = 4096
    reply_tokens: int = 400
    seed: int = 0
    timeout_s: float = 300.0
    limit_s: float = 900.0
    load_timeout_s: float = 900.0
    keep_alive_s: float = 1800.0

    def __post_init__(self) -> None:
        if self.context < LEAST_CONTEXT:
            raise UsageError(
                f"A context of {self.context} tokens holds no sample.",
                f"Give the judge {LEAST_CONTEXT} tokens or more; 4096 suit short answers.",
            )
        if not 1 <= self.reply_tokens < self.context:
            raise UsageError(
                f"A reply of {self.reply_tokens} tokens does not fit into a context of {self.context}.",
                "Give more with --context, or let replies be shorter: reply_tokens under [grade].",
            )
