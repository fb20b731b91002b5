"""Fixtures of every test."""

from hypothesis import settings

# A busy machine is no failure: nothing here is timed.
settings.register_profile("ringdesk", deadline=None)
settings.load_profile("ringdesk")

pytest_plugins = [
    "tests.browser.fixtures_browser",
    "tests.contract.fixtures_postgresql",
    "tests.pbx.fixtures_asterisk",
    "tests.pbx.fixtures_world",
]
