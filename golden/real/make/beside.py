"""The guilty beside innocents who do much the same: who is blamed must be the right one, and he alone."""
import time

import services
from kit import play
from services import ssh_command


@play("sweep-beside-ping-monitor", "fping", "alert", "ping-sweep", vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), sources=["198.51.100.61"], targets=["192.0.2.96/27"], seen={"icmp.type==8 && ip.src==198.51.100.61": 15, "icmp.type==8 && ip.src==192.0.2.7": 60},
      note="A monitor inside pings the same sixteen hosts each three seconds; meanwhile a stranger outside pings 32 addresses once, those very hosts among them. Only the stranger is guilty.")
def _(lab):
    mon = lab.host("mon", "in", 7)
    eve = lab.host("eve", "out", 61)
    for i in range(16):
        lab.host(f"h{i}", "in", 100 + i)
    every = " ".join(f"192.0.2.{100 + i}" for i in range(16))
    yield
    lab.commands.append("monitor: fping -q -r 0 (16 hosts), five times")
    for r in range(5):
        lab.run(mon, f"fping -q -r 0 {every}")
        if r == 2:
            lab.tool(eve, "fping -q -r 0 -i 40 -g 192.0.2.96 192.0.2.127")
        time.sleep(2.2)
    yield


@play("scan-beside-service-monitor", "nmap", "alert", "syn-scan", need=("pcs", "site", "resolver", "clients"), bg=("web-out",), sources=["198.51.100.62"], targets=["192.0.2.101"], seen={"tcp.flags==2 && ip.src==198.51.100.62": 50, "tcp.flags==2 && ip.src==198.51.100.200": 44},
      note="A monitor outside that the owner ordered calls six ports of four hosts, twice; another address scans sixty ports of one of them.")
def _(lab):
    mon, eve = lab.host("mon", "out", 200), lab.host("eve", "out", 62)
    for n in range(4):
        h = lab.host(f"s{n}", "in", 101 + n)
        services.web(h, ports=(80, 8080))
        services.ssh(h)
    yield
    lab.commands.append("monitor: check_tcp -H 192.0.2.10x -p PORT -t 2 (four hosts, ports 22 25 80 443 5666 8080, two rounds)")
    for r in range(2):
        for n in range(4):
            lab.spawn(mon, "; ".join(f"/usr/lib/nagios/plugins/check_tcp -H 192.0.2.{101 + n} -p {p} -t 2" for p in (22, 25, 80, 443, 5666, 8080)))
            time.sleep(0.4)
        if r == 0:
            lab.tool(eve, "nmap -sS -n -Pn -p 20-79 --max-retries 1 192.0.2.101")
        time.sleep(4)
    yield


@play("scan-through-translator", "nmap", "alert", "connect-scan", need=("site", "resolver", "pcs"), vantage="router, outside", sources=["192.0.2.9"], targets=["198.51.100.82"], seen={"tcp.flags==2 && ip.src==192.0.2.9": 90}, note="Four PCs behind one address: three browse, one scans eighty ports of a server outside. The address is guilty, its web sessions are not.")
def _(lab):
    hidden = lab.translator("snat to 192.0.2.9")
    yield
    for h in hidden[:3]:
        lab.loop(h, "curl -4 -s -Z -o /dev/null http://www.example.org/tiny.txt -o /dev/null http://api.example.org/style.css", 1.5)
    time.sleep(3)
    lab.tool(hidden[3], "nmap -sT -n -Pn -p 20-99 198.51.100.82")
    time.sleep(3)
    yield


@play("guessing-beside-many-logins", "hydra", "alert", "password-guessing", need=("www", "clients", "pcs", "resolver"), bg=("web-in",), sources=["198.51.100.64"], targets=["192.0.2.10"], seen={"tcp.dstport==22 && tcp.flags==2": 8}, note="Three administrators' scripts log in by key now and again; a fourth address guesses seven passwords, slowly.")
def _(lab):
    lab.file("words.txt", "\n".join(f"adler{i}" for i in range(7)) + "\n")
    eve = lab.host("eve", "out", 64)
    yield
    for i in range(3):
        lab.loop(lab.hosts[f"c{i}"], ssh_command("192.0.2.10", "uptime"), 4, count=2)
    time.sleep(2)
    lab.tool(eve, "hydra -l root -P words.txt -t 1 -W 1 -I ssh://192.0.2.10", timeout=60)
    time.sleep(2)
    yield


@play("flood-beside-crowd", "hping3", "alert", "syn-flood", need=("www", "pcs", "resolver"), bg=("dns-out",), sources=["198.51.100.65"], targets=["192.0.2.10"], seen={"tcp.flags==2 && ip.src==198.51.100.65": 280, "http.request": 45}, note="Thirty customers call the web server; one address floods it with SYNs. The customers are not guilty, though some retry.")
def _(lab):
    eve = lab.host("eve", "out", 65)
    hosts = [lab.host(f"k{i}", "out", 160 + i, extra=(210 + 2 * i, 211 + 2 * i)) for i in range(10)]
    yield
    flood = lab.tool(eve, "hping3 -q -S -p 80 -i u8000 -c 300 192.0.2.10", bg=True)
    lab.commands.append("curl -s --interface ADDR -o /dev/null http://192.0.2.10/tiny.txt (thirty addresses, twice)")
    for r in range(2):
        for i, h in enumerate(hosts):
            lab.spawn(h, "; ".join(f"curl -s -m 5 --interface {a} -o /dev/null http://192.0.2.10/tiny.txt" for a in (h.ip, f"198.51.100.{210 + 2 * i}", f"198.51.100.{211 + 2 * i}")))
            time.sleep(0.08)
        time.sleep(0.6)
    flood.wait(20)
    time.sleep(2)
    yield


@play("sweep-beside-dead-peers", "nmap", "alert", "port-sweep", need=("pcs", "site"), vantage="router, outside", sources=["192.0.2.31"], targets=["198.51.100.96/27"], seen={"tcp.flags==2 && ip.src==192.0.2.31": 30, "tcp.flags==2 && ip.src==192.0.2.22": 20}, note="A PC checks links whose names it looks up first, half of them dead; another host inside asks 32 addresses for port 3389 without any name.")
def _(lab):
    r = lab.host("resolver", "out", 53)
    where = {i: (80 + i % 3 if i % 2 else 200 + i) for i in range(20)}
    services.resolver(r, *[f"--host-record=site{i}.example.org,198.51.100.{where[i]}" for i in range(20)])
    eve = lab.host("eve", "in", 31)
    yield
    lab.commands.append("curl -4 -s -I -m 4 http://siteN.example.org/ (N 0 to 19, the PC)")
    for i in range(20):
        lab.spawn(lab.hosts["pc2"], f"curl -4 -s -I -m 4 http://site{i}.example.org/index.html")
        time.sleep(0.2)
        if i == 8:
            p = lab.tool(eve, "nmap -sS -n -Pn --max-retries 1 -p 3389 198.51.100.96/27", bg=True)
    p.wait(30)
    time.sleep(4)
    yield


@play("arp-sweep-beside-busy-router", "arp-scan+nmap", "alert", "arp-sweep", vantage="segment, inside", need=("www", "pcs", "site", "resolver", "clients"), bg=("web-out", "web-in"), sources=["192.0.2.69"], targets=["192.0.2.128/26"], seen={"arp.opcode==1 && arp.src.proto_ipv4==192.0.2.69": 60, "arp.opcode==1 && arp.src.proto_ipv4==192.0.2.1": 20},
      note="An insider walks 64 addresses by ARP. At the same time a sweep from outside makes the router ask for 32 dead ones: the router is innocent; the stranger outside is guilty too, but is hardly seen here.")
def _(lab):
    eve, out = lab.host("eve", "in", 69), lab.host("out", "out", 163)
    yield
    p = lab.tool(out, "nmap -sn -PE -n --max-retries 0 192.0.2.192/27", bg=True)
    time.sleep(0.5)
    lab.tool(eve, "arp-scan -I eth0 --retry=1 -i 25 192.0.2.128/26")
    p.wait(30)
    time.sleep(2)
    yield


@play("two-scanners-two-kinds", "nmap+fping", "alert", "syn-scan", need=("www", "mail", "clients", "pcs", "resolver", "site"), bg=("web-in", "mail-in"), vantage="router, outside", sources=["198.51.100.71", "198.51.100.72"], targets=["192.0.2.10", "192.0.2.64/26"], seen={"tcp.flags==2 && ip.src==198.51.100.71": 60, "icmp.type==8 && ip.src==198.51.100.72": 60},
      note="Two strangers at once: .71 scans ports of www, .72 pings 64 addresses (class ping-sweep for him). Two findings, one each.")
def _(lab):
    a, b = lab.host("a", "out", 71), lab.host("b", "out", 72)
    yield
    p = lab.tool(a, "nmap -sS -n -Pn --scan-delay 50ms -p 40-110 192.0.2.10", bg=True)
    lab.tool(b, "fping -q -r 0 -i 50 -g 192.0.2.64/26")
    p.wait(40)
    time.sleep(1)
    yield
