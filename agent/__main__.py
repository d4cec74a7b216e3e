"""``python -I -m agent``: the command line, once it is sure that our packages are ours.

Our packages have plain names, and a user's project may well hold a folder named ``sync`` or ``agent``. Wherever
the current folder or PYTHONPATH comes first on the path, Python would import that one.
"""

import atexit
import gc
import importlib
import sys
from importlib.util import find_spec
from pathlib import Path

_PACKAGES = ("agent", "sync", "cloud_runner", "local_grader")


def foreign_package() -> str:
    """Where a package of somebody else's lies that stands in for one of ours; empty if none does.

    The place is looked at first, because importing a stranger's package would run it. The marker catches another
    distribution that was installed over ours.
    """
    home = Path(__file__).resolve().parent.parent
    for name in _PACKAGES:
        spec = find_spec(name)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin is None or origin.parent.parent != home:
            return str(origin or f"(no package {name})")
        if getattr(importlib.import_module(name), "PROJECT", "") != "hybrid":
            return str(origin)
    return ""


def run() -> int:
    foreign = foreign_package()
    if foreign:
        print(
            f"Error: {foreign} stands in for a package of hybrid.\n"
            "Try: python -I -m agent, with hybrid installed in an environment of its own.",
            file=sys.stderr,
        )
        return 2
    # What is left goes with the process. Python would look through all of it, twice, for what refers to itself.
    atexit.register(gc.freeze)
    from agent.cli import main

    return main()


if __name__ == "__main__":
    sys.exit(run())
