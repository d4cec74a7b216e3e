"""The emulator as tests see it: what is asked of it is kept, and it can go away and come back."""

import threading
from collections.abc import Callable, Sequence
from types import TracebackType

from .asked import Asked
from .faults import Fault, Plan
from .generation import Engine
from .http_server import Listener
from .loading import Load, LoadOptions, Memory
from .models import Model, Speed, full_name
from .pieces import Writer
from .pulling import Downloads
from .routes import Routes
from .writing import Answer, EmulatedWriter, default_answer


class Ollama:
    """An Ollama server on this machine, from ``start`` (or ``with``) to ``stop``; it may be started again, on its port.

    ``models`` are there, ``library`` can be pulled. ``answer(request)`` is what the model says, or a Fault; by default
    JSON that fits the schema, the same for the same prompt. ``slots``, ``max_queue``, ``max_loaded``, ``context``,
    ``keep_alive_s`` and ``no_cloud`` are the server's own settings, ``version`` decides what it knows.

    ``load`` (which returns the seconds that are still to be waited) and ``writer`` put a real engine behind it.
    """

    def __init__(
        self,
        *models: Model,
        answer: Answer | None = None,
        faults: Sequence[Fault] = (),
        library: Sequence[Model] = (),
        speed: Speed | None = None,
        version: str = "0.33.0",
        slots: int = 1,
        max_queue: int = 512,
        max_loaded: int = 1,
        context: int = 4096,
        keep_alive_s: float = 300.0,
        no_cloud: bool = False,
        port: int = 0,
        load: Callable[[Model, LoadOptions], float] | None = None,
        writer: Writer | None = None,
    ) -> None:
        speed = speed or Speed()
        self.requests: list[Asked] = []
        self.version = version
        self._port = port
        self._slots = slots
        self._listener: Listener | None = None
        self._deaths: list[threading.Thread] = []
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._plan = Plan()
        self._plan.add(*faults)
        self._memory = Memory(
            slots=slots,
            max_queue=max_queue,
            max_loaded=max_loaded,
            load=load or (lambda model, options: speed.load_s),
        )
        here = {full_name(each.name): each for each in models or (Model(),)}
        self._engine = Engine(
            models=here,
            memory=self._memory,
            plan=self._plan,
            writer=writer
            or EmulatedWriter(
                answer=answer or default_answer, speed=speed, memory=self._memory, die=self._die
            ),
            version=tuple(int(part) for part in version.partition("-")[0].split(".")),
            told_version=version,
            context=context,
            keep_alive_s=keep_alive_s,
            no_cloud=no_cloud,
        )
        self.downloads = Downloads(speed.pull_per_s)
        self._routes = Routes(self._engine, self.downloads, library, self.requests, self.counts)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    @property
    def is_running(self) -> bool:
        return self._listener is not None

    @property
    def loads(self) -> list[Load]:
        """Every load that began, in order; more than one for a model is a reload."""
        return list(self._memory.loads)

    @property
    def abandoned(self) -> list[Asked]:
        """Requests whose client left before the reply was complete."""
        return [each for each in self.requests if each.outcome == "abandoned"]

    @property
    def resident(self) -> list[str]:
        """Names of the models in memory."""
        return [each.model.name for each in self._memory.resident()]

    @property
    def busy_seconds(self) -> float:
        """Seconds in which requests held slots, summed over slots; those that are held still are not in it."""
        return self._memory.busy.taken_s

    @property
    def open_seconds(self) -> float:
        """Seconds in which slots could have been held, summed over slots: from the first hold to the last."""
        busy = self._memory.busy
        return 0.0 if busy.first is None else (max(busy.last, busy.first) - busy.first) * self._slots

    def forget(self) -> None:
        """Counts from here: requests, loads and the time of slots."""
        self.requests.clear()
        self._memory.loads.clear()
        self._memory.busy = type(self._memory.busy)()

    def plan(self, *faults: Fault) -> None:
        self._plan.add(*faults)

    def assert_all_fired(self) -> None:
        """Raises AssertionError that names the planned faults that did not happen."""
        self._plan.assert_all_fired()

    def counts(self) -> dict[str, float]:
        """What a process elsewhere may want to know, as ``GET /emulator/counts`` tells it."""
        outcomes = [each.outcome for each in list(self.requests)]
        return {
            "requests": len(outcomes),
            **{name: outcomes.count(name) for name in ("answered", "refused", "failed", "abandoned")},
            "cut": sum(each.was_cut for each in list(self.requests)),
            "loads": len(self.loads),
            "busy_seconds": self.busy_seconds,
            "open_seconds": self.open_seconds,
        }

    def start(self) -> "Ollama":
        with self._lock:
            if self._listener is None:
                self._listener = Listener(self._port, self._routes.serve)
                self._port = self._listener.port
        return self

    def stop(self) -> None:
        """As if its process were killed: connections break, new ones are refused, and no model is in memory."""
        with self._lock:
            if self._listener:
                self._listener.stop()
                self._memory.clear()
                self._listener = None

    def kill_connections(self) -> None:
        """All that are open now; the server goes on."""
        listener = self._listener
        if listener:
            listener.kill_connections()

    def __enter__(self) -> "Ollama":
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        for each in self._deaths:
            each.join()
        self.stop()

    def _die(self, seconds: float | None) -> None:
        def away() -> None:
            self.stop()
            if seconds is not None and not self._over.wait(seconds):
                self.start()

        thread = threading.Thread(target=away, name="death of the emulated Ollama")
        self._deaths.append(thread)
        thread.start()
