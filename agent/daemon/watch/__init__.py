"""Hears of changes in a project while they happen. ``watching.Watching`` is what others use; ``hints`` is what was heard."""
