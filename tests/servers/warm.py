"""A process that has imported a room and done nothing else: every command is a copy of it, which the room's main ends.

Started by `tests.servers.commands` as `python -m tests.servers.warm ROOM...`; commands come in as lines of JSON.
"""

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import sys
import threading
import traceback

APART = ("__main__", "training.importing.child", "training.importing.guest")
"""What must be imported where it is run."""


def preload(room: str) -> None:
    """Import every module of a room, and what these import."""
    package = importlib.import_module(room)
    for module in pkgutil.walk_packages(package.__path__, f"{room}."):
        if not module.name.endswith(APART):
            importlib.import_module(module.name)


def wanted(replies: int) -> str:
    """Read commands and tell how they ended; returns in the copies alone, with the module that they are to run."""
    for line in sys.stdin.buffer:
        command = json.loads(line)
        copy = os.fork()
        if copy == 0:
            os.close(replies)
            _become(command)
            return str(command["module"])
        os.write(replies, f"{copy}\n".encode())
        _, status = os.waitpid(copy, 0)
        os.write(replies, f"{os.waitstatus_to_exitcode(status)}\n".encode())
    os._exit(0)


def _become(command: "dict[str, object]") -> None:
    """Take over the streams, the environment and the arguments that a process of its own would have been given."""
    places = ((os.devnull, os.O_RDONLY), (command["stdout"], os.O_WRONLY), (command["stderr"], os.O_WRONLY))
    for stream, (place, how) in enumerate(places):
        opened = os.open(str(place), how)
        os.dup2(opened, stream)
        os.close(opened)
    os.environ.clear()
    os.environ.update(command["environment"])  # type: ignore[call-overload]
    sys.argv = ["", *command["arguments"]]  # type: ignore[misc]


def main_of(module: str) -> int:
    """Run a module as `python -m` does, and what it leaves to the end of an interpreter; gives the exit status.

    The interpreter itself is not taken apart, which would take longer than most commands: it holds everything.
    """
    status = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        status = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
        if isinstance(ended.code, str):
            print(ended.code, file=sys.stderr)
    except BaseException:  # noqa: BLE001 - as an interpreter does
        traceback.print_exc()
        status = 1
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:
        traceback.print_exc()
        status = 120
    return status


if __name__ == "__main__":
    for each in sys.argv[2:]:
        preload(each)
    gc.freeze()
    os._exit(main_of(wanted(int(sys.argv[1]))))
