"""Having the system start the agent whenever its user is there: one file a system, as pure text and steps, and one that acts.

``here`` is the system that this machine has.
"""

import sys

from . import launchd, systemd, tasks
from .base import System


def here(platform: str = sys.platform) -> System:
    if platform == "win32":
        return tasks.SYSTEM
    return launchd.SYSTEM if platform == "darwin" else systemd.SYSTEM
