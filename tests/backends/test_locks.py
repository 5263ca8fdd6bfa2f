"""Locks that finalizers and forked children can take."""

import os
import threading

from backends.locks import shared_lock


def test_a_lock_is_free_for_its_holder_and_in_a_child():
    lock, held, done = shared_lock(), threading.Event(), threading.Event()

    def hold():
        with lock, lock:
            held.set()
            done.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait()
    child = os.fork()
    if not child:
        os._exit(0 if lock.acquire(timeout=5) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not lock.acquire(blocking=False)
    done.set()
    holder.join()
