"""The command for a line that stalls: it gives a silent server up after a moment where a user's waits for a minute.

python -m tests.support.impatient WORD...
"""

import runpy
import sys

from sync.ssh import connection, start, transport

MOMENT_S = 1.5


def main() -> None:
    connection.STALL_S = transport.STALL_S = connection.LOGIN_S = MOMENT_S
    connection.CONNECT_S = start.CONNECT_S = MOMENT_S
    sys.argv[0] = "hybrid"
    runpy.run_module("agent", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
