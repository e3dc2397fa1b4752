"""Scenarios to begin with, as files."""
