#!/bin/sh
# Install the servers that `pytest -m servers tests/servers` drives: Postfix and Dovecot as Debian packages, Exim unpacked
# into a cache folder. Starts no service, removes no package, writes nothing below /etc/postfix. Safe to run again.
# Prints one line per package; exit status 1 when something could not be had.
set -u

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/posthouse-servers
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
failed=0
lists_fresh=no
policy=/usr/sbin/policy-rc.d
own_policy=no
log=$(mktemp)

clean_up() {
    rm -f "$log"
    [ "$own_policy" = no ] || rm -f "$policy"
}
trap clean_up EXIT
trap 'exit 1' INT TERM

not_installed() { # package, reason
    echo "NOT INSTALLED: $1 ($2)"
    failed=1
}

refresh_lists() { # a new machine has no package lists; one refresh a run is enough
    [ "$lists_fresh" = no ] || return 0
    lists_fresh=yes
    apt-get update -qq >"$log" 2>&1 || { tail -n 5 "$log" >&2; return 1; }
}

forbid_service_starts() { # Debian starts daemons on installation unless this file answers 101
    [ ! -e "$policy" ] || return 0
    printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy" && own_policy=yes
}

installed() { dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null | grep -qx installed; }

apt_install() { # packages…; --no-remove: never throw out a mail server that the machine already runs
    forbid_service_starts || return 1
    apt-get install -y -q --no-install-recommends --no-remove "$@" >"$log" 2>&1
}

install_package() {
    if installed "$1"; then echo "present: $1"; return; fi
    refresh_lists
    if [ "$1" = postfix ]; then
        echo "postfix postfix/main_mailer_type select No configuration" | debconf-set-selections
    fi
    if apt_install "$1"; then echo "installed: $1"; else
        tail -n 5 "$log" >&2
        not_installed "$1" "apt-get install failed"
    fi
}

unpack_package() { # like an installation, but into the cache, and with the unprivileged user that the package would make
    target=$cache/$1
    if [ -e "$target/complete" ]; then echo "present: $1 in $target"; return; fi
    refresh_lists
    libraries=$(apt-cache depends "$1" 2>/dev/null | awk '$1 == "Depends:" && $2 ~ /^lib/ { print $2 }')
    [ -n "$libraries" ] || { not_installed "$1" "no such package in apt's lists"; return; }
    # shellcheck disable=SC2086 # one word per library is meant
    apt_install $libraries || { tail -n 5 "$log" >&2; not_installed "$1" "its libraries could not be installed"; return; }
    rm -rf "$target" && mkdir -p "$target/download"
    if (cd "$target/download" && apt-get download "$1") >"$log" 2>&1 && dpkg -x "$target"/download/*.deb "$target"; then
        rm -rf "$target/download"
        chmod -R u-s,g-s "$target" # the tests start it as its own user; nothing here needs to be setuid root
        getent passwd Debian-exim >/dev/null || useradd --system --user-group --no-create-home \
            --home-dir /var/spool/exim4 --shell /usr/sbin/nologin Debian-exim
        touch "$target/complete"
        echo "installed: $1 in $target"
    else
        tail -n 5 "$log" >&2
        not_installed "$1" "download or unpacking failed"
    fi
}

if ! command -v apt-get >/dev/null; then
    echo "NOT INSTALLED: real mail servers (this machine has no apt-get; Debian 12 or 13 is needed)"
    exit 1
fi
while read -r package how; do
    case $package in '' | '#'*) continue ;; esac
    if [ "$(id -u)" -ne 0 ] && ! { [ "$how" = install ] && installed "$package"; }; then
        not_installed "$package" "run tests/servers/install.sh as root"
        continue
    fi
    case $how in install) install_package "$package" ;; unpack) unpack_package "$package" ;; esac </dev/null
done <"$here/debian-packages.txt"
exit $failed
