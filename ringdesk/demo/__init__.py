"""The demo: a real Asterisk in a prefix of its own, robot customers and robot agents."""
