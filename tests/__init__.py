"""Tests mirror the rooms; `tests/servers` starts real servers."""
