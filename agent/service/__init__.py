"""Having the system start the agent whenever its user is there: one file a system, as pure text and steps, and one that acts.

``here`` is the system that this machine has, and ``of`` what it is to start.
"""

import sys

from ..daemon.process import foreground, own_variables, place_of
from ..project import Project
from . import launchd, systemd, tasks
from .base import Service, System


def here(platform: str = sys.platform) -> System:
    if platform == "win32":
        return tasks.SYSTEM
    return launchd.SYSTEM if platform == "darwin" else systemd.SYSTEM


def of(project: Project) -> Service:
    """The agent of ``project`` as it would be started here and now, as far as that matters."""
    return Service(
        project=project.config.project.id,
        command=foreground(project),
        variables=own_variables(),
        place=place_of(project),
    )
