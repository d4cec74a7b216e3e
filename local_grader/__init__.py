"""Grades what was pulled: rules first, a judge only where a rule cannot decide."""

PROJECT = "hybrid"
