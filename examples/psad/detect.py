#!/usr/bin/env python3
"""psad over one capture: detect.py CAPTURE OUT [HOME]

    crywolf grade --from psad --detector 'python3 examples/psad/detect.py {capture} {out} {home}'

psad reads firewall logs as they grow, every few seconds, and stamps its messages with the time of reading. Here its
analysis mode reads the log as far as it had grown at each check, and a message is stamped with the first check at which it
was there. OUT gets those messages as syslog would show them. Needs root, as psad does, and no firewall; nothing is sent.

CHECK is the time between two checks in seconds (default 5, as psad's CHECK_INTERVAL; longer where a capture has so many
packets, or lasts so long, that this would take minutes).
"""
import os
import re
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

capture, out = sys.argv[1:3]
home = sys.argv[3] if len(sys.argv) > 3 else "any"
here = Path(__file__).parent

log = subprocess.run(
    [sys.executable, here / "iptables_log.py", capture, *([home] if home != "any" else [])], check=True, capture_output=True, text=True
).stdout.splitlines(keepends=True)
times = [datetime.fromisoformat(line.split(" ", 1)[0]) for line in log]


def private(folder):
    """A command before psad's that gives it a /tmp of its own, where that is allowed: it leaves two files there at each run."""
    own = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /tmp && exec "$@"', folder]
    try:
        return (own, "/tmp") if subprocess.run([*own, "true"], capture_output=True).returncode == 0 else ([], folder)
    except FileNotFoundError:
        return [], folder


said, lines = set(), []
with tempfile.TemporaryDirectory() as folder:
    before, seen = private(folder)
    config = Path("/etc/psad/psad.conf").read_text()
    # HOME_NET stays as it is unless told: psad takes what is not from there as hostile.
    for key, value in {
        "HOSTNAME": "sensor",
        "HOME_NET": home,
        "PSAD_DIR": seen,
        "ENABLE_DNS_LOOKUPS": "N",
        "ENABLE_WHOIS_LOOKUPS": "N",
    }.items():
        config = re.sub(rf"^{key}\s.*", f"{key} {value};", config, flags=re.M)
    Path(folder, "psad.conf").write_text(config)

    step = timedelta(seconds=float(os.environ.get("CHECK", 5)))
    if times:
        checks = min(40, max(10, 300_000 // len(log)))
        step = max(step, (times[-1] - times[0]) / checks)
    check, read = (times[0] if times else None), 0
    while read < len(log):
        check += step
        grown = read
        while grown < len(log) and times[grown] <= check:
            grown += 1
        if grown == read:
            continue
        read = grown
        Path(folder, "log").write_text("".join(log[:read]))
        run = subprocess.run(
            [*before, "psad", "-c", f"{seen}/psad.conf", "--Analyze-msgs", "--messages-file", f"{seen}/log"]
            + ["--analysis-write-data", "--test-mode", "--no-whois", "--no-rdns", "--no-netstat", "--no-fwcheck"],
            # Perl draws the order of its hashes anew each time; so no two runs differ.
            capture_output=True, text=True, cwd="/", env={**os.environ, "PERL_HASH_SEED": "0", "PERL_PERTURB_KEYS": "0"},
        )
        if run.returncode:
            sys.exit(f"psad failed: {run.stdout[-500:]}{run.stderr[-500:]}")
        for message in re.findall(r"syslog msg: ((?:scan detected|src:).*)", run.stderr + run.stdout):
            # Counts grow with every check; it is news when the danger level does.
            key = re.sub(r"pkts: \d+|\[[\d-]+\]|flags: [A-Z ]+|total scan dsts: \d+|port: \d+", "", message)
            key = "".join(sorted(key))
            if key not in said:
                said.add(key)
                lines.append(f"{check.isoformat()} sensor psad: {message}\n")

Path(out).write_text("".join(lines))
