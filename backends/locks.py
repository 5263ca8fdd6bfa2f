"""Locks that neither a collection of garbage nor a fork can block for ever."""

import os
import threading
from typing import Any


def shared_lock() -> Any:
    """A lock for the whole process.

    It is re-entrant, because a finalizer may run in the middle of a call and make the same call. A forked child finds
    it free, because the thread that held it does not exist there.
    """
    lock: Any = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lock._at_fork_reinit)
    return lock
