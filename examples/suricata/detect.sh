#!/bin/sh
# Suricata over one capture: detect.sh CAPTURE OUT [HOME]
#
#   crywolf grade --from suricata --detector 'examples/suricata/detect.sh {capture} {out} {home}'
#
# OUT gets EVE JSON. HOME is HOME_NET, networks with commas between them (default: any).
# RULES names the rules: a file, or "stock" for those that Debian's package brings (default: crywolf.rules beside this file).
# SURICATA names the program. No interface is opened.
set -eu

capture=$1 out=$2 home=${3:-any}
here=$(cd "$(dirname "$0")" && pwd)
rules=${RULES:-$here/crywolf.rules}

# Suricata takes a capture without frames for a broken one.
if [ "$(wc -c < "$capture")" -eq 24 ]; then
    : > "$out"
    exit
fi

log=$(mktemp -d)
trap 'rm -rf "$log"' EXIT INT TERM

if [ "$rules" = stock ]; then
    # Two protocols are off in Debian's configuration, and their rules do not load.
    for file in /etc/suricata/rules/*-events.rules; do
        case $file in */modbus-events.rules | */dnp3-events.rules) ;; *) cat "$file" ;; esac
    done > "$log/stock.rules"
    rules=$log/stock.rules
fi

# One thread, so that alerts come in order; UTC, so that stamps are the capture's; sums are not looked at.
TZ=UTC "${SURICATA:-suricata}" -c /etc/suricata/suricata.yaml --include "$here/suricata.yaml" \
    -S "$rules" -r "$capture" -l "$log" --runmode single -k none \
    --set vars.address-groups.HOME_NET="[$home]" --set vars.address-groups.EXTERNAL_NET=any \
    > "$log/said" 2>&1 || { cat "$log/said" >&2; exit 1; }

# A rule that Suricata cannot read is skipped with a message, and would be a silent hole in the grade.
if grep -q 'error parsing signature' "$log/said"; then
    grep '^E:' "$log/said" >&2
    exit 1
fi
mv "$log/eve.json" "$out"
