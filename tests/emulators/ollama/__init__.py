"""An emulated Ollama: real sockets, and the behaviour of the real server in what matters to those who ask it much."""

from .asked import Asked
from .emulator import Ollama
from .faults import Fault, Kind
from .loading import Load, LoadOptions
from .models import Model, Speed

__all__ = ["Asked", "Fault", "Kind", "Load", "LoadOptions", "Model", "Ollama", "Speed"]
