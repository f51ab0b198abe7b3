#!/usr/bin/env python3
"""Checks an index against its captures: files, known values, guilty sources that are there, total size."""
import ipaddress
import os
import struct
import sys
import tomllib


def speakers(path):
    """The addresses that send something: IPv4, IPv6 and ARP senders."""
    data = open(path, "rb").read()
    at, there = 24, set()
    while at + 16 <= len(data):
        size = struct.unpack_from("<I", data, at + 8)[0]
        frame = data[at + 16:at + 16 + size]
        at += 16 + size
        kind = frame[12:14]
        raw = {b"\x08\x00": frame[26:30], b"\x86\xdd": frame[22:38], b"\x08\x06": frame[28:32]}.get(kind)
        if raw:
            there.add(str(ipaddress.ip_address(raw)))
    return there


folder = sys.argv[1] if len(sys.argv) > 1 else os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
index = tomllib.load(open(os.path.join(folder, "index.toml"), "rb"))
captures = {f for f in os.listdir(folder) if f.endswith(".pcap")}
bad, total = 0, 0
for name, row in index.items():
    faults = []
    path = os.path.join(folder, row["file"])
    if row["file"] not in captures:
        print(f"{name}: no file")
        bad += 1
        continue
    total += os.path.getsize(path)
    if row["expect"] not in ("alert", "silence", "explain", "may"):
        faults.append(f"expect {row['expect']}")
    if row["expect"] in ("silence", "explain") and row["sources"]:
        faults.append("blames somebody in a calm capture")
    there = speakers(path)
    faults += [f"{s} sends nothing" for s in row["sources"] if s not in there]
    if faults:
        bad += 1
        print(f"{name}: {'; '.join(faults)}")
for f in sorted(captures - {r["file"] for r in index.values()}):
    print(f"{f}: in no row")
    bad += 1
print(f"{len(index)} captures, {total / 1e6:.1f} MB, {bad} faults")
sys.exit(bad != 0)
