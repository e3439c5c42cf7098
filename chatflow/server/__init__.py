"""Between the network and Django: daphne with limits and deadlines, and the ASGI layers.

`daphne.py`, `connections.py`, `flow_control.py` and `instance_lock.py` run the application. The
other modules are part of it and work under any ASGI server. Start with `daphne.py`, or with
`handler.py` and `worker_pool.py`.
"""
