"""What the grader says when outputs or references cannot be used as they are."""

from sync.errors import HybridError


class Ungradable(HybridError):
    """The outputs or the references contradict themselves or hold nothing to grade. Nothing was recorded."""
