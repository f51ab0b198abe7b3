#!/usr/bin/env python3
"""A detector that only counts: 10 host-port pairs in a minute from a source, 100 SYNs in 10 s to a target."""
import ipaddress, struct, sys
from collections import defaultdict
asked, told, recent = set(), {}, defaultdict(dict)
def count(key, thing, time, window):
    seen = recent[key]
    seen.pop(thing, None)
    seen[thing] = time
    while seen[oldest := next(iter(seen))] <= time - window:
        del seen[oldest]
    return len(seen)
def tell(time, source, target, name):
    if time - told.get((source or target, name), -60) >= 60:
        told[source or target, name] = time
        print(f"{time:.6f},{source},{target},{name}", file=out)
with open(sys.argv[1], "rb") as capture, open(sys.argv[2], "w") as out:
    print("time,source,target,class", file=out)
    order, frame = "<" if capture.read(24)[0] in b"\xd4\x4d" else ">", 0
    while len(head := capture.read(16)) == 16:
        seconds, part, length, _ = struct.unpack(order + "4I", head)
        data, time, frame = capture.read(length), seconds + part / 1e6, frame + 1
        ip = data[14:]
        if data[12:14] != b"\x08\x00" or len(ip) < 34 or ip[9] not in (6, 17):
            continue
        source, target = (str(ipaddress.ip_address(ip[at : at + 4])) for at in (12, 16))
        l4 = ip[(ip[0] & 15) * 4 :]
        flags = l4[13] if ip[9] == 6 and len(l4) > 13 else 0
        if flags & 18 == 18 or flags & 4 or (target, l4[2:4], source, l4[0:2]) in asked:
            continue  # an answer
        asked.add((source, l4[0:2], target, l4[2:4]))
        if count(source, (target, l4[2:4]), time, 60) >= 10:
            tell(time, source, target, "syn-scan" if ip[9] == 6 else "udp-scan")
        if flags & 18 == 2 and count((target,), frame, time, 10) >= 100:
            tell(time, "", target, "syn-flood")
