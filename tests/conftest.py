"""Fixtures of every test."""

pytest_plugins = [
    "tests.browser.fixtures_browser",
    "tests.contract.fixtures_postgresql",
    "tests.pbx.fixtures_asterisk",
    "tests.pbx.fixtures_world",
]
