"""A personal manager's mobile: whom to call for a caller who waits, and the call itself."""
