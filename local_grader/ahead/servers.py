"""What a judge's server says of itself and its model, for the asking: no model is loaded, and none is asked anything."""

from dataclasses import dataclass

from sync.clock import Clock

from ..judges import JudgeSettings, endpoint_of

_PATIENCE_S = 5.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Presence:
    """``server`` with its version, and the model's ``digest`` there, as in ``judge.Identity``."""

    server: str
    digest: str


def present(name: str, settings: JudgeSettings, clock: Clock) -> Presence:
    """Of the judge that the user names so. Raises JudgeUnavailable, ModelMissing where the server lacks the model."""
    # What speaks HTTP takes longer to import than most commands run.
    from ..judges.ollama_server import OllamaServer
    from ..judges.openai_server import OpenAIServer
    from ..judges.refusals import Target
    from ..judges.wire import Line, Patience, Pool, Wire

    model, endpoint = endpoint_of(name, settings)
    target = Target.of(model, endpoint)
    pool = Pool(endpoint.url)
    try:
        wire = Wire(pool, clock, Patience(silence_s=_PATIENCE_S, total_s=_PATIENCE_S))
        if not endpoint.is_openai:
            ollama = OllamaServer(Line(endpoint.url, wire), target)
            return Presence(server=f"Ollama {ollama.version()}", digest=ollama.model().digest)
        served = OpenAIServer(Line(endpoint.url, wire), Line(endpoint.root, wire), target).served()
        return Presence(server=served.server, digest=served.digest)
    finally:
        pool.close()
