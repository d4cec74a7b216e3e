"""Rates, comparisons and agreement with their uncertainty; scipy and statsmodels do the work."""
