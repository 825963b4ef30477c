"""What a job's log says about why its worker never came, and what helps."""

from __future__ import annotations

#: Words of logs in any case, and what is to be done; the first that fits is the likeliest.
CURES = (
    (
        (".pem' does not exist", "load_verify_locations", "load_cert_chain"),
        "the nodes do not see the credentials: put the experiment's directory on a file system "
        "that they share with this host, or give shared_temp_directory= there",
    ),
    (
        ("no module named", "modulenotfounderror"),
        "this Python has not what the workers need: give python=, the interpreter of an "
        "environment with phsx that the nodes see, or job_script_prologue=[...] with the commands "
        "that make it ready",
    ),
    (
        ("python: no such file", "python3: no such file", "command not found"),
        "the nodes do not have this Python: give python=, the interpreter of an environment that "
        "they see, or job_script_prologue=[...] with the commands that make it ready",
    ),
    (
        ("oom", "out of memory", "memory limit"),
        "the job had too little memory: give more with memory=",
    ),
    (
        (
            "timed out starting worker",
            "waiting to connect to",
            "timed out trying to connect",
            "connection refused",
        ),
        "the nodes do not reach this host at that address: interface= names the network that they "
        "share (`ip address` lists them; on many clusters it is 'ib0' or 'eno1'), or run on "
        "another host, such as in a job (srun)",
    ),
)


def diagnose(log: str) -> str | None:
    """Return what to do about a worker that did not come, from the end of its job's log.

    Examples
    --------
    >>> diagnose("ModuleNotFoundError: No module named 'phsx'")[:41]
    'this Python has not what the workers need'
    """
    log = log.lower()
    for words, cure in CURES:
        if any(word in log for word in words):
            return cure
    return None
