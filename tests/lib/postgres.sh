#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# A throwaway PostgreSQL cluster for a test that must start, stop or kill the server itself. (A suite
# that only needs a server takes scripts/with-postgres.)
#
#   tests/lib/postgres.sh start [--no-fsync] [-c NAME=VALUE]...
#       prints lines for eval: TEST_POSTGRES_URL (a Unix socket), TEST_POSTGRES_TCP_URL (a free port of
#       127.0.0.1), TEST_POSTGRES_DIR (to name it below), TEST_POSTGRES_BIN
#   tests/lib/postgres.sh restart|crash|up DIR   restart: fast stop and start; crash: immediate stop,
#       left down; up: start again
#   tests/lib/postgres.sh stop DIR      stop it and remove everything
#
# initdb refuses root: then the server runs as the user postgres. fsync is on unless asked otherwise.
set -euo pipefail

usage() {
    sed -n '3,15p' "$0" >&2
    exit 2
}

find_bin() {
    local folder found=''
    for folder in "${POSTGRES_BIN:-}" /usr/lib/postgresql/*/bin; do
        if [ -x "$folder/initdb" ]; then
            found=$folder
        fi
    done
    if [ -z "$found" ]; then
        echo 'postgres.sh: no PostgreSQL server here: scripts/bootstrap test' >&2
        exit 1
    fi
    printf '%s' "$found"
}

as_owner() { # COMMAND...: as the owner of the cluster, from a folder that it may read
    if [ "$(id -u)" -eq 0 ]; then
        (cd / && setpriv --reuid postgres --regid postgres --init-groups -- "$@")
    else
        (cd / && "$@")
    fi
}

free_port() {
    python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

up() { # DIR
    as_owner "$bin/pg_ctl" -D "$1/data" -l "$1/server.log" -w -t 60 start >/dev/null || {
        cat "$1/server.log" >&2
        exit 1
    }
}

down() { # DIR MODE
    as_owner "$bin/pg_ctl" -D "$1/data" -m "$2" -w -t 60 stop >/dev/null
}

check_dir() { # DIR: one that `start` made
    [ -n "$1" ] && [ -f "$1/data/postgresql.conf" ] || usage
}

start() {
    local dir port fsync=on settings=()
    while [ $# -gt 0 ]; do
        case $1 in
        --no-fsync) fsync=off ;;
        -c)
            [ $# -gt 1 ] || usage
            settings+=("${2%%=*} = '${2#*=}'")
            shift
            ;;
        *) usage ;;
        esac
        shift
    done
    dir=$(mktemp -d "${TMPDIR:-/tmp}/postern-pg.XXXXXX")
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres: "$dir"
    fi
    chmod 755 "$dir"
    as_owner "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C -N >"$dir.log" 2>&1 || {
        cat "$dir.log" >&2
        rm -rf "$dir" "$dir.log"
        exit 1
    }
    rm -f "$dir.log"
    port=$(free_port)
    {
        echo "listen_addresses = '127.0.0.1'"
        echo "port = $port"
        echo "unix_socket_directories = '$dir'"
        echo "fsync = $fsync"
        echo "max_connections = 100"
        printf '%s\n' ${settings[@]+"${settings[@]}"}
    } >>"$dir/data/postgresql.conf"
    up "$dir"
    as_owner "$bin/createdb" -h "$dir" -p "$port" -U postgres postern_test
    echo "export TEST_POSTGRES_URL='postgresql://postgres@/postern_test?host=$dir&port=$port'"
    echo "export TEST_POSTGRES_TCP_URL='postgresql://postgres@127.0.0.1:$port/postern_test'"
    echo "export TEST_POSTGRES_DIR='$dir'"
    echo "export TEST_POSTGRES_BIN='$bin'"
}

[ $# -ge 1 ] || usage
verb=$1
shift
bin=$(find_bin)
case $verb in
start) start "$@" ;;
restart)
    check_dir "${1:-}"
    down "$1" fast
    up "$1"
    ;;
crash)
    check_dir "${1:-}"
    down "$1" immediate
    ;;
up)
    check_dir "${1:-}"
    up "$1"
    ;;
stop)
    check_dir "${1:-}"
    down "$1" immediate || true
    rm -rf "$1"
    ;;
*) usage ;;
esac
