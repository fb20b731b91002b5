"""What people see: the HTTP and websocket API, accounts and rights, the live desk of each user."""
