from concurrent.futures import ThreadPoolExecutor
from threading import Event

import scipy.linalg  # noqa: F401  (its BLAS has to be there when the threads are counted)
from threadpoolctl import threadpool_info, threadpool_limits

from phsx.models.threads import one_thread


def threads():
    return {pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"}


def test_one_inside_and_restored_after():
    with threadpool_limits(2, user_api="blas"):
        with one_thread():
            assert threads() == {1}
            with one_thread():
                assert threads() == {1}
        assert threads() == {2}


def test_as_decorator():
    with threadpool_limits(2, user_api="blas"):
        assert one_thread()(threads)() == {1}
        assert threads() == {2}


def test_one_after_the_other():
    inside, go_on, order = Event(), Event(), []

    def first():
        with one_thread():
            inside.set()
            assert go_on.wait(10)
            order.append("first")

    def second():
        with one_thread():
            order.append("second")

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(first)
        assert inside.wait(10)
        two = pool.submit(second)
        go_on.set()
        one.result(10), two.result(10)
    assert order == ["first", "second"]
