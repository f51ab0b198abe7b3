"""What reaches a site whose addresses somebody else forges."""
import time

import services
from kit import play

FORGED = [f"192.0.2.{i}" for i in (20, 21, 99, 120, 133, 147, 158, 201)]


@play("backscatter-open-port", "hping3", "explain", "syn-flood-backscatter", need=("www", "site", "pcs", "resolver", "clients"), bg=("web-in", "dns-out"), forged=FORGED, vantage="router, outside",
      targets=FORGED, seen={"ip.src==198.51.100.80 && tcp.flags==0x12": 200}, note="A web server outside is flooded with SYNs that bear our addresses. Its SYN-ACKs, sent up to six times, come to us; two of the addresses are alive and reset them.")
def _(lab):
    eve = lab.host("eve", "out", 77)
    yield
    for i, a in enumerate(FORGED):
        lab.tool(eve, f"hping3 -q -S -p 80 -a {a} -i u40000 -c 25 198.51.100.80", bg=True)
    time.sleep(12)
    yield


def backscatter(name, command, note, *, sources, seen, klass="syn-flood-backscatter", prepare=None, need=("www", "site", "pcs", "resolver", "clients"), bg=("web-in", "dns-out"), vantage="router, outside", seconds=8, number=77, tool="hping3", expect="explain"):
    """A flood or scan from outside against a host outside, in the name of addresses inside."""
    @play(name, tool, expect, klass, need=need, bg=bg, vantage=vantage, forged=sources, targets=sources, seen=seen, note=note, border=False)
    def _(lab):
        eve = lab.host("eve", "out", number)
        if prepare:
            prepare(lab)
        yield
        time.sleep(1)
        for c in command:
            lab.tool(eve, c, bg=True)
        time.sleep(seconds)
        yield



backscatter("backscatter-closed-port", [f"hping3 -q -S -p 8443 -a {a} -i u50000 -c 30 198.51.100.80" for a in FORGED], "The flooded port is closed: RST with ACK, sequence number 0, from a host that nobody inside called on that port. The PC's lookups are its only real traffic with that side.",
            sources=FORGED, seen={"ip.src==198.51.100.80 && tcp.flags==0x14": 200})
backscatter("backscatter-filtered-reject", [f"hping3 -q -S -p 111 -a {a} -i u90000 -c 30 198.51.100.90" for a in FORGED], "The flooded host rejects with an ICMP message, which quotes the forged SYN.", sources=FORGED, seen={"icmp.type==3 && ip.src==198.51.100.90": 6},
            prepare=lambda lab: (lab.host("fw", "out", 90, knobs={"net.ipv4.icmp_ratelimit": 0}), lab.filter("table inet f { chain i { type filter hook input priority 0; tcp dport 111 reject with icmpx type admin-prohibited; } }", lab.hosts["fw"])))
MANY = [f"192.0.2.{i}" for i in range(64, 124)]
backscatter("backscatter-sixty-addresses", ["for i in $(seq 64 123); do hping3 -q -S -p 22 -a 192.0.2.$i -i u1000 -c 1 198.51.100.80 & sleep 0.1; done; wait"], "One forged SYN from each of sixty of our addresses, to an open port: one server, sixty addresses, and each SYN-ACK repeated. Looks like a sweep by that server.",
            sources=MANY, seen={"ip.src==198.51.100.80 && tcp.flags==0x12": 110}, prepare=lambda lab: services.ssh(lab.hosts["site"]), seconds=25)
backscatter("backscatter-icmp-replies", [f"hping3 -q --icmp -a {a} -i u60000 -c 40 198.51.100.80" for a in FORGED[:5]], "Echo replies to nobody: the flood was of echo requests. The taxonomy has syn-flood-backscatter only; naming it is right, alerting is wrong.", sources=FORGED[:5], seen={"icmp.type==0 && ip.src==198.51.100.80": 150}, expect="explain")
backscatter("backscatter-udp-unreachable", [f"hping3 -q --udp -p 7777 -a {a} -i u80000 -c 30 198.51.100.91" for a in FORGED[:6]], "Port-unreachables that quote datagrams which nobody here sent.", sources=FORGED[:6], seen={"icmp.type==3 && ip.src==198.51.100.91": 6},
            prepare=lambda lab: lab.host("t", "out", 91, knobs={"net.ipv4.icmp_ratelimit": 0}))
backscatter("decoy-backscatter", ["nmap -sS -n -Pn -F -D 192.0.2.20,192.0.2.21,192.0.2.99,ME 198.51.100.80"], "Somebody scans a web server outside with three of our addresses as decoys: RSTs from a hundred ports and SYN-ACKs from the open ones. Looks like a port scan by that server, or of it by our PCs.",
            sources=["192.0.2.20", "192.0.2.21", "192.0.2.99"], seen={"ip.src==198.51.100.80 && tcp.flags==0x14": 250}, klass="decoy-scan-backscatter", tool="nmap")
backscatter("decoy-backscatter-udp", ["nmap -sU -n -Pn --top-ports 15 -D 192.0.2.22,192.0.2.150,ME 198.51.100.92"], "The same by UDP: port-unreachables quoting probes that nobody here sent.", sources=["192.0.2.22", "192.0.2.150"], seen={"icmp.type==3 && ip.src==198.51.100.92": 10},
            prepare=lambda lab: lab.host("t", "out", 92, knobs={"net.ipv4.icmp_ratelimit": 0}), klass="decoy-scan-backscatter", tool="nmap", seconds=15)
backscatter("backscatter-random-source-dense", ["hping3 -q -S -p 80 --rand-source -i u800 -c 1200 198.51.100.80"], "A flood with random sources of which a whole /2 is ours (the route of the site says so): most SYN-ACKs come once to addresses that nobody has, then again.", sources=[],
            seen={"ip.src==198.51.100.80 && tcp.flags==0x12": 150}, prepare=lambda lab: (lab.route(lab.isp, "64.0.0.0/2", "via", "203.0.113.2"), lab.route(lab.core, "64.0.0.0/2", "via", "203.0.113.6"), lab.route(lab.rt, "blackhole", "64.0.0.0/2")), seconds=7)
