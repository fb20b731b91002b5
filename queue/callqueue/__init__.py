"""Who is served next: the order of waiting callers, and whom the PBX may ring."""
