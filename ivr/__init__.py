"""The IVR: menus as files, their pure interpreter, and the session that performs one."""
