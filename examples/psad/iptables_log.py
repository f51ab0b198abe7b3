#!/usr/bin/env python3
"""The log that a firewall would have written of a pcap: iptables_log.py CAPTURE [HOME] > LOG

psad reads firewall logs, not packets. Logged is what opens a connection or belongs to none, as by
`iptables -A FORWARD -m conntrack --ctstate NEW,INVALID -j LOG`, with the capture's own times. With HOME, networks with commas
between them, what these open to the outside is allowed and not logged. Standard library only; classic pcap, Ethernet (VLAN
tags are stepped over), IPv4 and IPv6.
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


class Connections:
    """Who spoke to whom, and whether there was an answer: what conntrack knows, without its time-outs."""

    def __init__(self):
        self.answered = {}

    def is_new(self, proto, source, target, data):
        if proto in (6, 17) and len(data) >= 4:
            sport, dport = struct.unpack("!HH", data[:4])
            there, back = (proto, source, sport, target, dport), (proto, target, dport, source, sport)
            if proto == 6 and len(data) > 13 and data[13] & 0x12 == 0x02:
                self.answered[there] = False
                return True
        elif proto == 1 and len(data) >= 28 and data[0] in (3, 4, 5, 11, 12):
            # An error: it belongs to the packet that it quotes.
            quoted = data[8:]
            ports = quoted[(quoted[0] & 15) * 4 :][:4]
            if len(ports) < 4:
                return True
            sport, dport = struct.unpack("!HH", ports)
            flow = (quoted[9], quoted[12:16], sport, quoted[16:20], dport)
            return flow not in self.answered and (flow[0], flow[3], flow[4], flow[1], flow[2]) not in self.answered
        else:
            ident = data[4:6] if proto in (1, 58) else b""
            there, back = (proto, source, ident, target, b""), (proto, target, ident, source, b"")
        if back in self.answered:
            self.answered[back] = True
            return False
        return not self.answered.setdefault(there, False)


def ports_and_flags(proto, data, sequence=True):
    if proto == 6 and len(data) >= 20:
        sport, dport, seq, ack, offset, bits, window = struct.unpack("!HHIIBBH", data[:16])
        names = [name for shift, name in enumerate(FLAGS) if bits & (0x80 >> shift)]
        numbers = f" SEQ={seq} ACK={ack}" if sequence else ""
        text = f"SPT={sport} DPT={dport}{numbers} WINDOW={window} RES=0x00 {' '.join(names)}"
        options = data[20 : (offset >> 4) * 4]
        return text.rstrip() + " URGP=0" + (f" OPT ({options.hex().upper()})" if options else "")
    if proto == 17 and len(data) >= 8:
        sport, dport, length = struct.unpack("!HHH", data[:6])
        return f"SPT={sport} DPT={dport} LEN={length}"
    if proto in (1, 58) and len(data) >= 8:
        kind, code, _, ident, seq = struct.unpack("!BBHHH", data[:8])
        return f"TYPE={kind} CODE={code}" + (f" ID={ident} SEQ={seq}" if kind in (0, 8, 128, 129) else "")
    return ""


def line(frame, connections):
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
        data = b"" if fragment & 0x1FFF else ip[(ip[0] & 15) * 4 : length]
        if not connections.is_new(proto, ip[12:16], ip[16:20], data) or allowed(ip[12:16], ip[16:20]):
            return None
        rest = ports_and_flags(proto, data)
    elif kind == 0x86DD and len(ip) >= 40:
        length, proto, ttl = struct.unpack("!HBB", ip[4:8])
        head = f"SRC={ipaddress.ip_address(ip[8:24]).exploded} DST={ipaddress.ip_address(ip[24:40]).exploded}"
        head += f" LEN={length + 40} TC=0 HOPLIMIT={ttl} FLOWLBL=0"
        if not connections.is_new(proto, ip[8:24], ip[24:40], ip[40 : 40 + length]) or allowed(ip[8:24], ip[24:40]):
            return None
        # psad reads no sequence numbers here.
        rest = ports_and_flags(proto, ip[40 : 40 + length], sequence=False)
    else:
        return None
    return f"IN=eth0 OUT=eth1 MAC={mac} {head} PROTO={names.get(proto, proto)} {rest}".rstrip()


home = [ipaddress.ip_network(net, strict=False) for net in sys.argv[2].split(",")] if len(sys.argv) > 2 else []


def allowed(source, target):
    at_home = [any(ipaddress.ip_address(end) in net for net in home) for end in (source, target)]
    return at_home == [True, False]


connections = Connections()
for seconds, micros, frame in frames(sys.argv[1]):
    if text := line(frame, connections):
        time = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
        print(f"{time}.{micros:06d}+00:00 sensor kernel: {text} ")
