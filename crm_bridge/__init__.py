"""Customers: who calls, what we know about them, and the screen-pop made of it."""
