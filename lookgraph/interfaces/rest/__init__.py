"""The service: a library over HTTP. Each route asks `lookgraph.library` and tells its answer.

::

    request ─▶ guard ─▶ route ─▶ library, in a thread ─▶ shapes ─▶ answer
                 │                        │
                 └───────── problems ◀────┘
"""
