#!/bin/sh
# Snort 3 over one capture: detect.sh CAPTURE OUT [HOME]
#
#   crywolf grade --from snort --detector 'examples/snort/detect.sh {capture} {out} {home}'
#
# OUT gets alert_json. HOME is HOME_NET, networks with commas between them. grade.lua must lie beside snort.lua; SNORT_LUA names
# that, SNORT the program.
set -eu

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT INT TERM

"${SNORT:-snort}" -q -U -c "${SNORT_LUA:-/usr/local/etc/snort/snort.lua}" --tweaks grade -k none \
    --lua "HOME_NET = '[${3:-any}]'; EXTERNAL_NET = 'any'" -r "$1" -l "$log" >&2

# Snort writes no file in which nothing stands.
touch "$log/alert_json.txt"
mv "$log/alert_json.txt" "$2"
