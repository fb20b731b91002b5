"""The program: command line, settings, composition root, doctor, demo."""

from importlib.metadata import version

__version__ = version("ringdesk")
