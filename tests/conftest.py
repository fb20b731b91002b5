"""Fixtures of every test."""

pytest_plugins = [
    "tests.browser.fixtures_browser",
    "tests.pbx.fixtures_asterisk",
    "tests.pbx.fixtures_world",
]
