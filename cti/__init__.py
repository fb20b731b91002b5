"""The shared language of Ringdesk and its connection to the PBX."""
