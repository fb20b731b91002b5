"""What the PBX itself wrote down while Ringdesk did not look: CEL, CDR and the queue log.

Pure readers of their rows (:mod:`.rows`, :mod:`.cel`, :mod:`.cdr`, :mod:`.queue_log`), the facts in
them (:mod:`.told`), and the shells that read the files from a moment on (:mod:`.tail`,
:mod:`.source`).
"""
