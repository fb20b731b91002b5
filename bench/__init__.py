"""Benchmarks: each prints a table, and whether its goal is held against the named peer."""
