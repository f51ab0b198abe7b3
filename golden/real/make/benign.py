"""What looks like an attack to those who count only."""
import time

import services
from kit import play, probe
from services import ssh_command

probe("traceroute-udp", "traceroute", ["traceroute -n 192.0.2.10", "traceroute -n 192.0.2.99"], "traceroute", expect="explain", attacker=107, targets=["192.0.2.10", "192.0.2.99"],
      seen={"udp.dstport>=33434 && udp.dstport<33534": 20}, bg=("web-in", "dns-out"), note="To a host that is there and to one that is not: rising TTLs, rising UDP ports, port-unreachable at the end. Looks like a UDP scan.")
probe("web-parallel", "curl+ab", ["curl -s -Z --parallel-max 30 -o /dev/null 'http://192.0.2.10/site/p[0-11].html' -o /dev/null 'http://192.0.2.10/site/i[0-11].png'",
      "ab -q -n 120 -c 20 http://192.0.2.10/style.css"], "web", expect="silence", attacker=108, bg=("web-in", "dns-out"), seen={"tcp.flags==2": 130},
      note="Thirty requests at once, then 120 connections by twenty at a time. All complete and carry data.")


@play("happy-eyeballs-v6-broken", "curl", "silence", "web", need=("pcs", "site", "resolver"), seen={"ipv6 && tcp.flags==2": 10, "http.response": 10},
      note="The names have IPv6 addresses, but IPv6 is dropped on the way: each call first tries IPv6, gives up after 200 ms and goes by IPv4 to the same server. Half-open connections without answer, by three clients.")
def _(lab):
    lab.filter('table ip6 broken { chain forward { type filter hook forward priority 0; oifname "east0" accept; oifname "west0" drop; } }', lab.core)
    yield
    for i in range(3):
        lab.loop(lab.hosts[f"pc{i}"], "curl -s -o /dev/null http://www.example.org/page.html", 0.5)
    lab.commands.append("curl -s -o /dev/null http://www.example.org/page.html (three PCs, again and again)")
    time.sleep(12)
    yield


@play("haproxy-checks", "haproxy", "silence", "monitoring-poll", need=("clients",), vantage="segment, inside", note="A balancer inside checks four backends every second: one by HTTP, two by TCP connect that it ends with RST, one of them dead (no host), one refused. Clients come through it.",
      seen={"tcp.flags.reset==1": 20})
def _(lab):
    for i in (31, 32):
        services.web(lab.host(f"b{i}", "in", i))
    lab.host("b33", "in", 33)
    lb = lab.host("lb", "in", 30)
    conf = lab.file("haproxy.cfg", """defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 10s
frontend www
  bind :80
  default_backend pool
backend pool
  option httpchk GET /index.html
  server a 192.0.2.31:80 check inter 1s
  server b 192.0.2.34:80 check inter 1s
backend tcponly
  mode tcp
  server c 192.0.2.32:80 check inter 1s
  server d 192.0.2.33:80 check inter 1s
""")
    lab.spawn(lb, ["haproxy", "-f", conf])
    lab.commands.append("haproxy -f haproxy.cfg (httpchk and tcp check, inter 1s, four servers)")
    services.ready(lb, 80)
    yield
    for i in range(2):
        lab.loop(lab.hosts[f"c{i}"], "curl -s -o /dev/null http://192.0.2.30/page.html", 0.8)
    time.sleep(18)
    yield


@play("nagios-20-hosts", "check_ping", "silence", "monitoring-poll", vantage="segment, inside", note="A monitor inside asks twenty hosts one after the other: ping, SSH banner, HTTP; three hosts are down. The same twenty in every round: what looks the same is a sweep.",
      seen={"icmp.type==8 && ip.src==192.0.2.5": 60, "tcp.flags==2 && ip.src==192.0.2.5": 20})
def _(lab):
    mon = lab.host("mon", "in", 5)
    for i in range(20):
        if i in (7, 13, 14):
            continue
        h = lab.host(f"h{i}", "in", 100 + i)
        if i < 4:
            services.web(h)
            services.ssh(h)
    yield
    plugins = "/usr/lib/nagios/plugins/"
    lab.commands.append("check_ping -H 192.0.2.1xx -w 100,20% -c 500,60% -p 2 -t 4; check_tcp -H 192.0.2.1xx -p 22 -t 3; check_http -H 192.0.2.10x (20 hosts, 2 rounds)")
    for _ in range(2):
        for i in range(20):
            a = f"192.0.2.{100 + i}"
            lab.spawn(mon, f"{plugins}check_ping -H {a} -w 100,20% -c 500,60% -p 2 -t 4; {plugins}check_tcp -H {a} -p 22 -t 3" + (f"; {plugins}check_http -H {a}" if i < 4 else ""))
            time.sleep(0.45)
        time.sleep(2)
    yield


@play("crashed-service", "curl", "silence", "retry-to-dead-host", need=("clients", "www", "resolver", "pcs"), bg=("dns-out",), seen={"tcp.flags.reset==1": 50, "http.response": 20},
      note="A web server that served twelve clients dies; all keep calling, every call is refused, until it is back. Many refused SYNs from many sources, one port.")
def _(lab):
    app = lab.host("app", "in", 14)
    server = services.web(app, ports=(8080,))
    clients = [lab.host(f"k{i}", "out", 140 + i) for i in range(12)]
    yield
    lab.commands.append("curl -s -m 5 -o /dev/null http://192.0.2.14:8080/style.css (twelve clients, about every 0.7 s)")
    for c in clients:
        lab.loop(c, "curl -s -m 5 -o /dev/null http://192.0.2.14:8080/style.css", 0.7)
    time.sleep(4)
    server.terminate()
    time.sleep(8)
    services.web(app, ports=(8080,))
    time.sleep(3)
    yield


@play("iperf3-tcp-udp", "iperf3", "silence", "session", need=("clients", "resolver", "pcs"), bg=("dns-out",), lab=dict(delay_ms=2, jitter_ms=1), seen={"udp && ip.src==198.51.100.101": 800},
      note="A measurement: TCP for a moment, then UDP at 2500 datagrams a second to one port, agreed over a control connection. Looks like a UDP flood.")
def _(lab):
    s = lab.host("pc0", "in", 20)
    lab.spawn(s, ["iperf3", "-s"])
    services.ready(s, 5201)
    yield
    lab.tool(lab.hosts["c0"], "iperf3 -c 192.0.2.20 -n 100K")
    lab.tool(lab.hosts["c0"], "iperf3 -c 192.0.2.20 -u -b 6M -k 1000 -l 300")
    yield


@play("dns-failing", "dig", "silence", "dns", need=("resolver", "pcs", "ns", "clients"), bg=("dns-in",), note="Three PCs whose first resolver is dead and whose second answers SERVFAIL or NXDOMAIN for most names; they try again and again, by UDP and then by TCP.",
      seen={"dns.flags.rcode==2 || dns.flags.rcode==5": 10, "udp.dstport==53": 60})
def _(lab):
    yield
    lab.commands.append("dig +time=1 +tries=2 NAME @198.51.100.54; dig NAME @198.51.100.53; dig +tcp NAME @198.51.100.53 (three PCs, many names)")
    for n in range(8):
        for i in range(3):
            name = f"srv{n}.pc{i}.example.com"
            lab.spawn(lab.hosts[f"pc{i}"], f"dig +time=1 +tries=2 {name} @198.51.100.54; dig {name} @198.51.100.53; dig +tcp {name} @198.51.100.53; dig gone{n}.example.org @198.51.100.53")
        time.sleep(1.3)
    time.sleep(2)
    yield


@play("ftp-active-passive", "curl", "silence", "ftp", need=("ftp", "clients", "pcs", "resolver"), bg=("dns-out",), seen={"ftp.request.command": 20, "tcp.srcport==20 && tcp.flags==2": 4},
      note="Two clients fetch lists and files, one passive, one active (the server calls back from port 20 to ports that the client named).")
def _(lab):
    yield
    for f in ("file0.txt", "file1.txt", "", "file3.txt"):
        lab.tool(lab.hosts["c0"], f"curl -s -o /dev/null ftp://192.0.2.13/{f}")
        lab.tool(lab.hosts["c1"], f"curl -s -o /dev/null -P - ftp://192.0.2.13/{f}")
        time.sleep(0.5)
    lab.tool(lab.hosts["c1"], "curl -s -o /dev/null -P - 'ftp://192.0.2.13/file[0-3].txt'")
    yield
