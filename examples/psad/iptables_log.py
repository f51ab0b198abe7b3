#!/usr/bin/env python3
"""The packets of a pcap as the lines that iptables' LOG target would have written: iptables_log.py CAPTURE > LOG

psad reads firewall logs, not packets. Every packet is logged, as by `iptables -A FORWARD -j LOG`, with the capture's own
times. Standard library only; classic pcap, Ethernet (VLAN tags are stepped over), IPv4 and IPv6.
"""
import ipaddress
import struct
import sys
from datetime import datetime, timezone

FLAGS = ["CWR", "ECE", "URG", "ACK", "PSH", "RST", "SYN", "FIN"]


def frames(path):
    with open(path, "rb") as file:
        head = file.read(24)
        order = "<" if head[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
        nanos = head[:4] in (b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d")
        while len(record := file.read(16)) == 16:
            seconds, part, length, _ = struct.unpack(order + "4I", record)
            yield seconds, part // 1000 if nanos else part, file.read(length)


def ports_and_flags(proto, data):
    if proto == 6 and len(data) >= 20:
        sport, dport, seq, ack, offset, bits, window = struct.unpack("!HHIIBBH", data[:16])
        names = [name for shift, name in enumerate(FLAGS) if bits & (0x80 >> shift)]
        text = f"SPT={sport} DPT={dport} SEQ={seq} ACK={ack} WINDOW={window} RES=0x00 {' '.join(names)}"
        options = data[20 : (offset >> 4) * 4]
        return text.rstrip() + " URGP=0" + (f" OPT ({options.hex().upper()})" if options else "")
    if proto == 17 and len(data) >= 8:
        sport, dport, length = struct.unpack("!HHH", data[:6])
        return f"SPT={sport} DPT={dport} LEN={length}"
    if proto in (1, 58) and len(data) >= 8:
        kind, code, _, ident, seq = struct.unpack("!BBHHH", data[:8])
        return f"TYPE={kind} CODE={code}" + (f" ID={ident} SEQ={seq}" if kind in (0, 8, 128, 129) else "")
    return ""


def line(frame):
    kind, start = int.from_bytes(frame[12:14], "big"), 14
    while kind in (0x8100, 0x88A8):
        kind, start = int.from_bytes(frame[start + 2 : start + 4], "big"), start + 4
    ip = frame[start:]
    names = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
    mac = ":".join(f"{byte:02x}" for byte in frame[:14])
    if kind == 0x0800 and len(ip) >= 20:
        _, tos, length, ident, fragment, ttl, proto = struct.unpack("!BBHHHBB", ip[:10])
        more = (" DF" if fragment & 0x4000 else "") + (" MF" if fragment & 0x2000 else "")
        if fragment & 0x1FFF:
            more += f" FRAG:{fragment & 0x1FFF}"
        head = f"SRC={ipaddress.ip_address(ip[12:16])} DST={ipaddress.ip_address(ip[16:20])} LEN={length}"
        head += f" TOS=0x{tos & 0x1E:02X} PREC=0x{tos & 0xE0:02X} TTL={ttl} ID={ident}{more}"
        rest = "" if fragment & 0x1FFF else ports_and_flags(proto, ip[(ip[0] & 15) * 4 : length])
    elif kind == 0x86DD and len(ip) >= 40:
        length, proto, ttl = struct.unpack("!HBB", ip[4:8])
        head = f"SRC={ipaddress.ip_address(ip[8:24]).exploded} DST={ipaddress.ip_address(ip[24:40]).exploded}"
        head += f" LEN={length + 40} TC=0 HOPLIMIT={ttl} FLOWLBL=0"
        rest = ports_and_flags(proto, ip[40:])
    else:
        return None
    return f"IN=eth0 OUT=eth1 MAC={mac} {head} PROTO={names.get(proto, proto)} {rest}".rstrip()


for seconds, micros, frame in frames(sys.argv[1]):
    if text := line(frame):
        time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        print(f"{time}.{micros:06d}+00:00 sensor kernel: {text} ")
