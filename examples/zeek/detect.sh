#!/bin/sh
# Zeek over one capture: detect.sh CAPTURE OUT [HOME]
#
#   crywolf grade --from zeek --detector 'examples/zeek/detect.sh {capture} {out} {home}'
#
# OUT gets notice.log and weird.log, one behind the other. HOME is Site::local_nets, networks with commas between them.
# ZEEK names the program, SCAN the script that finds scans: part of Zeek until 6.1; later `zkg install ncsa/bro-simple-scan`.
set -eu

capture=$(realpath "$1")
mkdir -p "$(dirname "$2")"
out=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
nets=$(echo "${3:-}" | sed 's/,/, /g')

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT INT TERM
cd "$log"

"${ZEEK:-zeek}" -C -r "$capture" "Site::local_nets += { $nets }" \
    policy/protocols/ssh/detect-bruteforcing policy/protocols/ftp/detect-bruteforcing \
    policy/misc/detect-traceroute "${SCAN:-policy/misc/scan}" >&2

# Zeek writes no log in which nothing stands.
touch notice.log weird.log
cat notice.log weird.log > "$out"
