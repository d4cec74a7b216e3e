#!/bin/sh
# The programs of the system that the tests talk to. Adds what is missing from Debian's packages where that needs no
# password; elsewhere names it and fails.
set -eu
PATH=$PATH:/usr/sbin:/usr/local/sbin

missing() {
    for pair in git:git rsync:rsync rclone:rclone sshd:openssh-server ssh-keygen:openssh-client ps:procps dbus-daemon:dbus chromedriver:chromium-driver; do
        command -v "${pair%%:*}" >/dev/null 2>&1 || printf '%s ' "${pair#*:}"
    done
    # Any browser of its kind does.
    command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || printf 'chromium '
}

packages=$(missing)
[ -z "$packages" ] && exit 0

as_root=none
if command -v apt-get >/dev/null 2>&1; then
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root='sudo -n'
    fi
fi
if [ "$as_root" != none ]; then
    echo "Installing for the tests: $packages" >&2
    case $packages in
    *openssh-server*)
        # The tests start a server of their own. Debian starts none, now or later, while this file is there.
        $as_root mkdir -p /etc/ssh
        $as_root touch /etc/ssh/sshd_not_to_be_run
        ;;
    esac
    install="$as_root env DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends"
    # shellcheck disable=SC2086
    $install $packages >/dev/null 2>&1 || { $as_root apt-get update --quiet >/dev/null && $install $packages >/dev/null; } || true
    packages=$(missing)
fi
if [ -n "$packages" ]; then
    echo "The tests need programs that are not installed here: $packages(as Debian's packages are called)." >&2
    exit 1
fi
