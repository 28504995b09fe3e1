#!/bin/sh
# Creates the virtual environment named by the first argument with a Python >= 3.10.
set -eu
venv=$1
usable() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1; }
can_make_venvs() { "$1" -c 'import ensurepip, venv' >/dev/null 2>&1; }
for name in python3.11 python3.12 python3.13 python3 python3.10; do
    if usable "$name"; then python=$name; break; fi
done
if [ -z "${python:-}" ]; then
    echo "Python 3.10 or newer is needed, and none was found on the PATH." >&2
    exit 1
fi
if ! can_make_venvs "$python" && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    apt-get update -qq && apt-get install -y -qq python3-venv  # Debian ships venv apart from Python
fi
if ! can_make_venvs "$python"; then
    echo "$python cannot create virtual environments. Install the package 'python3-venv' and run make again." >&2
    exit 1
fi
"$python" -m venv "$venv"
