"""The policy lab: days of callers, recorded or drawn, played against policies.

Pure, but for :mod:`callqueue.lab.records` (reads a recorded day from the database),
:mod:`callqueue.lab.files` (reads what people edit) and :mod:`callqueue.lab.process` (a process of
its own for the work). The policies are the ones of :mod:`callqueue.policy`, not a copy.
"""
