"""Real servers for tests, each stopped by the process that started it."""
