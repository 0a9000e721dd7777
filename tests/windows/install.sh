#!/bin/sh
# Install Wine, with which `nox -s windows` runs Windows' Python: about 100 MB, 700 MB unpacked. Starts no service, removes no
# package. Safe to run again. Exit status 1 when it could not be had.
set -u
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
log=$(mktemp)
trap 'rm -f "$log"' EXIT

not_installed() { # reason
    tail -n 5 "$log" >&2
    echo "NOT INSTALLED: wine64 ($1)"
    exit 1
}

if command -v wine64 >/dev/null || command -v wine >/dev/null || [ -x /usr/lib/wine/wine64 ]; then
    echo "present: wine64"
    exit 0
fi
command -v apt-get >/dev/null || not_installed "this machine has no apt-get; Debian 12 or 13 is needed"
[ "$(id -u)" -eq 0 ] || not_installed "run tests/windows/install.sh as root"
apt-get update -qq >"$log" 2>&1 || tail -n 5 "$log" >&2
apt-get install -y -q --no-install-recommends --no-remove wine64 >"$log" 2>&1 || not_installed "apt-get install failed"
echo "installed: wine64"
