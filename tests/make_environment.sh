#!/bin/sh
# make_environment.sh FOLDER WHAT: a virtual environment in FOLDER with WHAT (as pip takes it) installed, editable.
# PYTHON names the Python to use; without it, the newest suitable one is taken.
set -eu
folder=$1
what=$2

suitable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

if [ -n "${PYTHON:-}" ]; then
    if ! suitable "$PYTHON"; then
        echo "hybrid needs Python 3.11 or newer, and $PYTHON is not one." >&2
        exit 1
    fi
elif [ -x "$folder/bin/python" ] && suitable "$folder/bin/python"; then
    PYTHON=$folder/bin/python
else
    for name in python3.14 python3.13 python3.12 python3.11 python3 python; do
        if suitable "$name"; then
            PYTHON=$name
            break
        fi
    done
fi
if [ -z "${PYTHON:-}" ]; then
    echo "hybrid needs Python 3.11 or newer, and there is none here: install one, or name it with PYTHON=/path/to/python." >&2
    exit 1
fi

if [ "$PYTHON" != "$folder/bin/python" ]; then
    if ! "$PYTHON" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "$PYTHON cannot make virtual environments, because it has no venv or ensurepip: on Debian and Ubuntu, apt-get install python3-venv." >&2
        exit 1
    fi
    echo "Making $folder with $("$PYTHON" --version)." >&2
    "$PYTHON" -m venv --clear "$folder"
fi
if ! "$folder/bin/python" -m pip --version >/dev/null 2>&1; then
    "$folder/bin/python" -m ensurepip --upgrade >/dev/null
fi
echo "Installing hybrid and what it needs into $folder." >&2
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --editable "$what"
