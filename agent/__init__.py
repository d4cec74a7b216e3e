"""The laptop's side: command line, planner, launchers, records."""

PROJECT = "hybrid"
__version__ = "0.1.0"
