"""Customers who asked to be called back: their places, their turns, their calls."""
