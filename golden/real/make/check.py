#!/usr/bin/env python3
"""Checks an index against its captures: files, known values, guilty sources that are there, total size."""
import os
import subprocess
import sys
import tomllib

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
    out = subprocess.run(["tshark", "-n", "-r", path, "-T", "fields", "-e", "ip.src", "-e", "ipv6.src", "-e", "arp.src.proto_ipv4"], capture_output=True, text=True).stdout
    there = {a for line in out.splitlines() for field in line.split("\t") for a in field.split(",")}
    faults += [f"{s} sends nothing" for s in row["sources"] if s not in there]
    if faults:
        bad += 1
        print(f"{name}: {'; '.join(faults)}")
for f in sorted(captures - {r["file"] for r in index.values()}):
    print(f"{f}: in no row")
    bad += 1
print(f"{len(index)} captures, {total / 1e6:.1f} MB, {bad} faults")
sys.exit(bad != 0)
