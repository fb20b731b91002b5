"""Pure domain: events, commands and facts. No socket, no clock, no SQL in here."""
