from __future__ import annotations

import os
import socket
import threading

import pytest

from phsx.execution.channel import Channel


@pytest.fixture
def ends():
    left, right = (Channel(end.detach()) for end in socket.socketpair())
    yield left, right
    left.close()
    right.close()


def receive(channel, count):
    messages = []
    while len(messages) < count:
        messages += channel.receive()
    return messages


def test_messages_of_all_sizes_arrive_in_order(ends):
    left, right = ends
    sent = [os.urandom(size) for size in (0, 1, 7, 70_000, 3_000_000, 5)]
    thread = threading.Thread(target=lambda: [left.send(message) for message in sent])
    thread.start()
    assert receive(right, len(sent)) == sent
    thread.join()


def test_several_threads_may_send(ends):
    left, right = ends
    threads = [
        threading.Thread(target=lambda n=n: [left.send((n, bytes(20_000))) for _ in range(20)])
        for n in range(4)
    ]
    for thread in threads:
        thread.start()
    messages = receive(right, 80)
    for thread in threads:
        thread.join()
    assert sorted(n for n, _ in messages) == sorted(list(range(4)) * 20)


def test_a_message_is_given_when_it_is_whole(ends):
    left, right = ends
    os.write(left.descriptor, (14).to_bytes(8, "little")[:3])
    assert right.receive() == []


def test_the_other_end_is_gone(ends):
    left, right = ends
    left.close()
    with pytest.raises(EOFError):
        right.receive()
    with pytest.raises(OSError):
        right.send("x")


def test_the_other_end_is_gone_and_has_not_read_everything(ends):
    left, right = ends
    left.send("unread")
    right.close()
    with pytest.raises(EOFError):
        left.receive()


def test_this_end_is_closed(ends):
    left, _ = ends
    left.close()
    left.close()
    with pytest.raises(OSError, match="closed"):
        left.send("x")
