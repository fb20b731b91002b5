"""Fixtures of every test."""

pytest_plugins = ["tests.pbx.fixtures_asterisk"]
