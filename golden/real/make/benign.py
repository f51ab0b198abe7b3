"""What looks like an attack to those who count only."""
import time

import services
from kit import play, probe
from services import ssh_command

probe("traceroute-udp", "traceroute", ["traceroute -n 192.0.2.10", "traceroute -n 192.0.2.99"], "traceroute", expect="explain", attacker=107, targets=["192.0.2.10", "192.0.2.99"],
      seen={"udp.dstport>=33434 && udp.dstport<33534": 20}, bg=("web-in", "dns-out"), note="To a host that is there and to one that is not: rising TTLs, rising UDP ports, port-unreachable at the end. Looks like a UDP scan.")
probe("web-parallel", "curl+ab", ["curl -s -Z --parallel-max 30 -o /dev/null 'http://192.0.2.10/site/p[0-11].html' -o /dev/null 'http://192.0.2.10/site/i[0-11].png'",
      "ab -q -n 50 -c 20 http://192.0.2.10/style.css"], "web", expect="silence", attacker=108, bg=("web-in", "dns-out"), seen={"tcp.flags==2": 60},
      note="Thirty requests at once, then 50 connections by twenty at a time. All complete and carry data.")


@play("happy-eyeballs-v6-broken", "curl", "silence", "web", need=("pcs", "site", "resolver"), seen={"ipv6 && tcp.flags==2": 10, "http.response": 10},
      note="The names have IPv6 addresses, but IPv6 is dropped on the way: each call first tries IPv6, gives up after 200 ms and goes by IPv4 to the same server. Half-open connections without answer, by three clients.")
def _(lab):
    lab.filter('table ip6 broken { chain forward { type filter hook forward priority 0; oifname "east0" accept; oifname "west0" drop; } }', lab.core)
    yield
    for i in range(3):
        lab.loop(lab.hosts[f"pc{i}"], "curl -s -o /dev/null http://www.example.org/tiny.txt", 0.9)
    lab.commands.append("curl -s -o /dev/null http://www.example.org/tiny.txt (three PCs, again and again)")
    time.sleep(12)
    yield


@play("haproxy-checks", "haproxy", "silence", "monitoring-poll", need=("clients",), vantage="segment, inside", note="A balancer inside checks four backends every second: one by HTTP, two by TCP connect that it ends with RST, one of them dead (no host), one refused. Clients come through it.",
      seen={"tcp.flags.reset==1": 15})
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
        lab.loop(lab.hosts[f"c{i}"], "curl -s -o /dev/null http://192.0.2.30/tiny.txt", 1.2)
    time.sleep(14)
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


@play("crashed-service", "curl", "silence", "retry-to-dead-host", need=("clients", "www", "resolver", "pcs"), bg=("dns-out",), seen={"tcp.flags.reset==1": 40, "http.response": 20},
      note="A web server that served twelve clients dies; all keep calling, every call is refused, until it is back. Many refused SYNs from many sources, one port.")
def _(lab):
    app = lab.host("app", "in", 14)
    server = services.web(app, ports=(8080,))
    clients = [lab.host(f"k{i}", "out", 140 + i) for i in range(12)]
    yield
    lab.commands.append("curl -s -m 5 -o /dev/null http://192.0.2.14:8080/tiny.txt (twelve clients, about every second)")
    for c in clients:
        lab.loop(c, "curl -s -m 5 -o /dev/null http://192.0.2.14:8080/tiny.txt", 1.0)
    time.sleep(4)
    server.terminate()
    time.sleep(8)
    services.web(app, ports=(8080,))
    time.sleep(3)
    yield


@play("iperf3-tcp-udp", "iperf3", "silence", "session", need=("clients", "resolver", "pcs"), bg=("dns-out",), lab=dict(delay_ms=2, jitter_ms=1), seen={"udp && ip.src==198.51.100.101": 380},
      note="A measurement: TCP for a moment, then UDP at 2500 datagrams a second to one port, agreed over a control connection. Looks like a UDP flood.")
def _(lab):
    s = lab.host("pc0", "in", 20)
    lab.spawn(s, ["iperf3", "-s"])
    services.ready(s, 5201)
    yield
    lab.tool(lab.hosts["c0"], "iperf3 -c 192.0.2.20 -n 60K")
    lab.tool(lab.hosts["c0"], "iperf3 -c 192.0.2.20 -u -b 6M -k 400 -l 250")
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


# -- routes ---------------------------------------------------------------------------------------
def trace(name, tool, commands, attacker, seen, note, **more):
    probe(name, tool, commands, "traceroute", expect="explain", attacker=attacker, targets=["192.0.2.10"], seen=seen, bg=more.pop("bg", ("web-in", "dns-out")), note=note, **more)


trace("traceroute-icmp", "traceroute", ["traceroute -I -n 192.0.2.10", "traceroute -I 192.0.2.11"], 150, {"icmp.type==8": 10}, "Echo requests with rising TTLs, many at once.")
trace("traceroute-tcp-443", "traceroute", ["traceroute -T -p 443 -n 192.0.2.10", "traceroute -T -p 80 -n 192.0.2.10", "traceroute -T -p 80 -n 192.0.2.77"], 151, {"tcp.flags & 2 && ip.src==198.51.100.151": 15},
      "SYNs with rising TTLs to an open, a closed and a dead end. Looks like a SYN scan or flood from one source.", vantage="router, outside")
trace("traceroute-out", "traceroute", ["traceroute -n 198.51.100.80", "traceroute -n -N 3 198.51.100.81", "traceroute -n 198.51.100.200"], 23, {"icmp.type==11": 15}, "From inside to three hosts outside, one of them dead. Time-exceeded messages of the routers come back.", side="in", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), vantage="router, inside")
trace("mtr-icmp-udp", "mtr", ["mtr -n -r -c 4 -i 0.5 192.0.2.10", "mtr -n -r -c 3 -i 0.5 -u 192.0.2.11"], 152, {"icmp.type==8 || udp": 16}, "mtr goes on and on; by ICMP, then by UDP.")
trace("mtr-tcp", "mtr", ["mtr -n -r -c 4 -i 0.5 -T -P 80 192.0.2.10"], 153, {"tcp.flags & 2 && ip.src==198.51.100.153": 4}, "Half-open connections to a web server, from rising source ports.")
trace("tcptraceroute", "tcptraceroute", ["tcptraceroute -n 192.0.2.10 80", "tcptraceroute -n 192.0.2.11 25"], 154, {"tcp.flags & 2 && ip.src==198.51.100.154": 6}, "SYNs with rising TTLs.")
trace("lft-tcp", "lft", ["lft -n -d 80 192.0.2.10", "lft -n -d 25 192.0.2.11"], 155, {"tcp && ip.src==198.51.100.155": 4}, "Layer four traceroute: SYNs, and FINs where it takes a filter for granted.")
trace("traceroute6", "traceroute", ["traceroute -6 -n 2001:db8:2::10", "traceroute -6 -I -n 2001:db8:2::11"], 156, {"ipv6 && (udp || icmpv6.type==128)": 10}, "The same by IPv6.")
trace("nmap-traceroute-only", "nmap", ["nmap -sn -Pn --traceroute -n 192.0.2.10"], 157, {"ip.src==198.51.100.157": 3}, "Nmap used for nothing but a traceroute.")

# -- web ------------------------------------------------------------------------------------------
probe("web-crawler", "wget", "wget -q -r -l 4 -e robots=off --no-http-keep-alive -P crawl http://192.0.2.10/site/index.html", "web", expect="silence", attacker=158, bg=("dns-out", "mail-in"), seen={"http.request": 30},
      note="A crawler fetches all pages, a new connection for each, with a dozen answers 404.")
probe("web-keepalive", "ab", "ab -q -k -n 90 -c 4 http://192.0.2.10/tiny.txt", "web", expect="silence", attacker=159, bg=("dns-out", "ssh-in"), seen={"http.request": 90}, note="Many requests on four connections.")
probe("web-busy-500", "ab", "ab -q -n 500 -c 10 http://192.0.2.10/tiny.txt", "web", expect="silence", attacker=160, bg=("dns-out",), seen={"tcp.flags==2": 500}, note="500 short connections to one server from one client in some seconds; all complete.")
probe("web-siege-many-addresses", "siege", "siege -q -c 8 -r 4 -d 0.2 -b http://192.0.2.10/style.css", "web", expect="silence", attacker=161, bg=("dns-out", "mail-in"), seen={"tcp.flags==2": 30}, note="A load test that the owner ordered.")


@play("web-flash-crowd", "curl", "silence", "web", need=("www", "pcs", "resolver"), bg=("dns-out",), seen={"tcp.flags==2": 48}, note="Fifty clients call one server within seconds, some give up and reset.")
def _(lab):
    hosts = [lab.host(f"k{i}", "out", 160 + i, extra=tuple(210 + 4 * i + j for j in range(4))) for i in range(10)]
    yield
    lab.commands.append("curl -s --interface ADDR -o /dev/null http://192.0.2.10/tiny.txt -o /dev/null http://192.0.2.10/style.css; curl -s -m 0.03 ... (fifty addresses)")
    for round_ in range(1):
        for i, h in enumerate(hosts):
            own = [h.ip] + [f"198.51.100.{210 + 4 * i + j}" for j in range(4)]
            script = "; ".join(f"(curl -s --interface {a} -m {0.03 if (j + round_) % 5 == 0 else 9} -o /dev/null http://192.0.2.10/tiny.txt -o /dev/null http://192.0.2.10/style.css) & sleep 0.1" for j, a in enumerate(own))
            lab.spawn(h, script + "; wait")
            time.sleep(0.12)
        time.sleep(1)
    time.sleep(2)
    yield


POOL = '''
import socket, struct, sys, threading, time, random
# A browser: it opens six connections to a site ahead of need, uses two or three, and resets or closes the idle ones.
def visit(address, port):
    idle = []
    for _ in range(6):
        s = socket.socket()
        s.settimeout(3)
        try:
            s.connect((address, port))
        except OSError:
            return
        idle.append(s)
    for s in idle[:random.choice((2, 3))]:
        for path in ("index.html", "style.css"):
            s.sendall(f"GET /{path} HTTP/1.1\\r\\nHost: www\\r\\n\\r\\n".encode())
            s.recv(65536)
            time.sleep(0.05)
    time.sleep(0.5)
    for i, s in enumerate(idle):
        if i >= 3:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        s.close()
    # and one that it gives up before the answer: non-blocking connect, then a reset
    s = socket.socket()
    s.setblocking(False)
    s.connect_ex((address, port))
    time.sleep(0.001)
    s.close()
for _ in range(int(sys.argv[2])):
    visit(sys.argv[1], 80)
    time.sleep(random.uniform(0.3, 0.9))
'''


@play("browser-pool-resets", "python", "silence", "web", need=("www", "site", "pcs", "resolver", "clients"), bg=("dns-out",), seen={"tcp.flags.reset==1": 24, "http.request": 24}, note="Browsers open six connections to a site, use some, reset the rest unused, and abandon one before it is answered. Looks like a connect or SYN scan of one port.")
def _(lab):
    yield
    lab.commands.append("python3 pool.py ADDR 4 (two PCs and a customer: six connections ahead of need, RST to the idle ones)")
    services.python(lab.hosts["pc0"], "pool.py", POOL, "198.51.100.80", 4)
    services.python(lab.hosts["pc2"], "pool.py", POOL, "198.51.100.81", 4)
    services.python(lab.hosts["c0"], "pool.py", POOL, "192.0.2.10", 4)
    time.sleep(13)
    yield


@play("port-reuse-time-wait", "python", "silence", "web", need=("www", "clients", "resolver", "pcs"), bg=("dns-out",), seen={"tcp.flags==2 && ip.src==198.51.100.101": 38}, note="A client that binds one source port and calls again as soon as it may: SYNs of the same four numbers again and again, some into TIME-WAIT.")
def _(lab):
    yield
    lab.commands.append("python3 reuse.py (40 requests from source port 40000 and 40001, SO_REUSEADDR)")
    services.python(lab.hosts["c0"], "reuse.py", '''
import socket, struct, time
for i in range(40):
    s = socket.socket()
    s.settimeout(4)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("198.51.100.101", 40000 + i % 2))
    try:
        s.connect(("192.0.2.10", 80))
        s.sendall(b"GET /style.css HTTP/1.0\\r\\n\\r\\n")
        while s.recv(65536):
            pass
    except OSError as e:
        print(i, e)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)) if i % 3 else None
    s.close()
    time.sleep(0.06)
''')
    time.sleep(12)
    yield


@play("nat-clients", "curl", "silence", "web", need=("site", "resolver", "pcs", "www"), vantage="router, outside", seen={"tcp.flags==2 && ip.src==192.0.2.9": 30}, note="Four PCs behind one address: a translator inside hides them. One address makes many connections to three servers at once, with lookups from high and low ports.")
def _(lab):
    hidden = lab.translator("snat to 192.0.2.9")
    yield
    lab.commands.append("curl -s -Z http://www.example.org/... http://api.example.org/... http://cdn.example.org/... (four PCs behind one address)")
    for h in hidden:
        lab.loop(h, "curl -4 -s -Z -o /dev/null http://www.example.org/tiny.txt -o /dev/null http://api.example.org/style.css -o /dev/null http://cdn.example.org/tiny.txt; dig nowhere.example.org", 1.4)
    time.sleep(7)
    yield


@play("retry-to-dead-host", "curl", "silence", "retry-to-dead-host", need=("www", "site", "resolver", "pcs"), bg=("web-out", "dns-out"), pause=5, vantage="router, outside", seen={"tcp.flags==2 && ip.dst==198.51.100.99": 15}, note="Two PCs call a server that is gone, over and over: full retransmission schedules of the same connection. Then another port of it.")
def _(lab):
    lab.filter('table ip gone { chain forward { type filter hook forward priority 0; ip daddr 198.51.100.99 drop; } }', lab.core)
    yield
    lab.commands.append("curl -s -m 8 -o /dev/null http://198.51.100.99/ (two PCs, again and again); curl -s -m 8 https://198.51.100.99/")
    lab.loop(lab.hosts["pc0"], "curl -s -m 8 -o /dev/null http://198.51.100.99/", 0.5)
    lab.loop(lab.hosts["pc1"], "curl -s -m 8 -o /dev/null http://198.51.100.99/; curl -s -m 8 https://198.51.100.99/", 0.5)
    time.sleep(36)
    yield


@play("line-down-for-all", "curl", "silence", "retry-to-dead-host", need=("site", "resolver", "pcs"), vantage="router, inside", seen={"tcp.flags==2": 30}, note="In the middle the line outside is down for everybody for twelve seconds: all connections and lookups fail, for all, and then work again.")
def _(lab):
    yield
    lab.commands.append("curl -s -m 4 http://www.example.org/style.css; curl -s -m 4 http://198.51.100.82/ (three PCs, again and again)")
    for i in range(3):
        lab.loop(lab.hosts[f"pc{i}"], "curl -s -m 4 -o /dev/null http://www.example.org/style.css; curl -s -m 4 -o /dev/null http://198.51.100.82/; curl -s -m 3 -o /dev/null http://198.51.100.81/tiny.txt", 1.4)
    time.sleep(5)
    lab.filter('table inet down { chain forward { type filter hook forward priority 0; drop; } }', lab.core)
    time.sleep(12)
    lab.run(lab.core, "nft delete table inet down")
    time.sleep(6)
    yield


# -- names, mail, sessions ------------------------------------------------------------------------
@play("dns-busy-resolver", "dnsperf", "silence", "dns", need=("ns", "clients"), seen={"dns.flags.response==1": 280}, note="A resolver asks our name server 300 questions in a second or two, of many names, from changing ports. Looks like a UDP flood or scan of port 53.")
def _(lab):
    lab.file("queries.txt", "\n".join(f"h{10 + i % 50}.example.net {t}" for i in range(300) for t in ("A" if i % 3 else "AAAA",)) + "\nbig.example.net TXT\n")
    yield
    lab.tool(lab.hosts["c0"], "dnsperf -s 192.0.2.12 -d queries.txt -n 1 -Q 200 -c 5")
    yield


@play("dns-tcp-and-truncation", "dig", "silence", "dns", need=("ns", "clients", "www"), bg=("web-in",), seen={"tcp.port==53 && tcp.flags==2": 6}, note="Answers that are cut and asked for again by TCP, transfers of a secondary that may, notifies.")
def _(lab):
    services.dns(lab.host("ns2", "in", 17), transfer="198.51.100.102;")
    yield
    for c in ("dig @192.0.2.12 big.example.net TXT +ignore +bufsize=512", "dig @192.0.2.12 big.example.net TXT +bufsize=512", "dig @192.0.2.12 big.example.net TXT +noedns", "dig @192.0.2.17 example.net SOA +tcp", "dig @192.0.2.12 www.example.net +tcp +keepopen mail.example.net"):
        lab.tool(lab.hosts["c0"], c)
        time.sleep(0.3)
    lab.tool(lab.hosts["c1"], "dig @192.0.2.17 example.net SOA; dig @192.0.2.17 example.net AXFR")
    time.sleep(1)
    lab.tool(lab.hosts["c1"], "dig @192.0.2.17 example.net IXFR=2024040101")
    lab.tool(lab.hosts["c2"], "dig @192.0.2.12 big.example.net TXT +noedns; dig -6 @2001:db8:2::12 big.example.net TXT +noedns")
    yield


@play("mail-with-ident-callback", "swaks", "explain", "ident-callback", need=("clients",), targets=[], seen={"tcp.dstport==113 && tcp.flags==2": 6}, note="The mail server asks each client's ident service who is calling: one has none (refused), one drops, one answers. Looks like a scan of port 113 by our mail server.")
def _(lab):
    m = lab.host("mail", "in", 11)
    services.mail(m, ident=True)
    lab.filter('table inet f { chain i { type filter hook input priority 0; tcp dport 113 drop; } }', lab.hosts["c1"])
    lab.spawn(lab.hosts["c2"], ["oidentd", "-i", "-f", "-r", "otto"])
    time.sleep(0.5)
    yield
    for n in range(3):
        for i in range(3):
            lab.tool(lab.hosts[f"c{i}"], f"swaks --server 192.0.2.11 --from otto{i}@example.org --to anna@example.net --body 'minutes {n}' --hide-all", bg=True, note=n == 0)
        time.sleep(5)
    time.sleep(3)
    yield


@play("mail-exchange", "swaks", "silence", "mail", need=("mail", "mx", "clients", "pcs", "resolver"), bg=("dns-out", "pop-in"), seen={"smtp.req.command==\"RCPT\"": 10}, note="Mail in and out, several on one connection, some to names that do not exist, some with login; POP3 beside it.")
def _(lab):
    yield
    for i in range(4):
        lab.tool(lab.hosts["c0"], f"swaks --server 192.0.2.11 --from a{i}@example.org --to anna@example.net,bert@example.net --body 'note {i}' --hide-all", note=i == 0)
        lab.tool(lab.hosts["pc0"], f"swaks --server 198.51.100.25 --from anna@example.net --to otto{i}@example.net --body 'answer {i}' --hide-all", note=i == 0)
        lab.tool(lab.hosts["c1"], "swaks --server 192.0.2.11 --auth-user anna --auth-password Herbst-2019 --auth LOGIN --from anna@example.net --to eva@example.org --body x --hide-all", note=i == 0)
        time.sleep(0.5)
    yield


@play("ssh-sessions-and-scp", "ssh", "silence", "ssh", need=("www", "clients", "resolver", "pcs"), bg=("dns-out", "web-in"), seen={"tcp.dstport==22 && tcp.flags==2": 8}, note="Scripts that log in once a second for one command (seven logins by key), and a copy of a file. Looks like password guessing by its rhythm.")
def _(lab):
    yield
    c = ssh_command("192.0.2.10", "uptime")
    for i in range(7):
        lab.tool(lab.hosts["c1"], c, note=i == 0)
        time.sleep(0.5)
    key = ssh_command("x", "y").split(" -i ")[1].split()[0]
    lab.tool(lab.hosts["c2"], f"scp -q -F none -i {key} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null root@192.0.2.10:/etc/services copy.txt")
    yield


@play("ssh-mistyped-password", "ssh", "silence", "ssh", need=("www", "clients", "resolver", "pcs"), bg=("dns-out", "ssh-in", "web-in"), pause=4, seen={"tcp.dstport==22 && tcp.flags==2": 3}, note="A person mistypes the password twice, waits, and then remembers the key. Not guessing.")
def _(lab):
    yield
    lab.tool(lab.hosts["c0"], "sshpass -p falsch ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 root@192.0.2.10 uptime")
    time.sleep(5)
    lab.tool(lab.hosts["c0"], "sshpass -p falsch2 ssh -F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o PubkeyAuthentication=no -o NumberOfPasswordPrompts=1 root@192.0.2.10 uptime")
    time.sleep(4)
    lab.tool(lab.hosts["c0"], ssh_command("192.0.2.10", "uptime; sleep 2; ls /usr"))
    yield


FTP_LONG = '''
import ftplib, io, sys, time
f = ftplib.FTP("192.0.2.13", timeout=10)
f.login()
f.set_pasv(sys.argv[1] == "passive")
for i in range(7):
    f.retrbinary(f"RETR file{i % 4}.txt", lambda d: None)
    f.retrlines("LIST", lambda l: None)
    time.sleep(1)
f.quit()
'''
for mode in ("active", "passive"):
    @play(f"ftp-{mode}-joined-late", "python", "silence", "ftp", need=("ftp", "clients", "www"), bg=("web-in",), pause=6, seen={"tcp.flags==2": 8},
          most={"tcp.dstport==21 && tcp.flags==2": 0}, note=f"The recording begins in the middle of an {mode} FTP session: the control connection has no handshake, the data connections have theirs." + (" The server seems to open connection after connection to the client." if mode == "active" else " The client seems to open connections to random high ports."))
    def _(lab, mode=mode):
        services.python(lab.hosts["c1"], "session.py", FTP_LONG, mode)
        time.sleep(1.5)
        lab.commands.append(f"python3 session.py {mode} (ftplib: seven files and lists on one control connection)")
        yield
        time.sleep(13)
        yield


@play("sessions-joined-late", "ssh", "silence", "ssh", need=("www", "mail", "clients", "pcs", "site", "resolver"), bg=(), seen={"tcp.len>0": 40}, note="The recording begins while an SSH session, a slow download and a mail session are open, and they end in it: FINs and ACKs without handshakes.")
def _(lab):
    lab.tool(lab.hosts["c0"], ssh_command("192.0.2.10", "for i in 1 2 3 4 5 6 7 8 9; do date; sleep 1; done"), bg=True)
    lab.tool(lab.hosts["c1"], "curl -s -o /dev/null http://192.0.2.10/big.bin", bg=True)
    lab.tool(lab.hosts["pc0"], "curl -s -o /dev/null http://198.51.100.80/big.bin", bg=True)
    lab.tool(lab.hosts["c2"], "(sleep 3; echo EHLO c2; sleep 3; echo NOOP; sleep 2; echo QUIT; sleep 1) | nc -q 1 192.0.2.11 25", bg=True)
    time.sleep(2)
    yield
    time.sleep(12)
    yield


@play("telnet-session", "telnet", "silence", "telnet", need=("ftp", "clients", "www"), bg=("web-in", "ftp-in"), pause=5, seen={"telnet": 10}, note="A person at a terminal: a login that fails once, long silences.")
def _(lab):
    yield
    lab.tool(lab.hosts["c1"], "(sleep 2; echo guest; sleep 2; echo nothing; sleep 6) | telnet 192.0.2.13", timeout=15)
    time.sleep(1)
    lab.tool(lab.hosts["c1"], "(sleep 1; printf 'ls\\r\\n'; sleep 2) | telnet 192.0.2.13 13", timeout=8)
    yield


# -- monitoring -----------------------------------------------------------------------------------
@play("snmp-poll-20-hosts", "snmpget", "silence", "snmp", vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out",), seen={"snmp": 120}, note="A manager inside polls twenty agents with the right community, twice, and two that do not answer. Looks like a search for SNMP agents.")
def _(lab):
    mon = lab.host("mon", "in", 6)
    for i in range(18):
        services.snmp(lab.host(f"h{i}", "in", 100 + i))
    yield
    lab.commands.append("snmpget -v2c -c verwaltung -r 1 -t 1 192.0.2.1xx .1.3.6.1.2.1.1.3.0 .1.3.6.1.2.1.1.5.0; snmpwalk -v2c -c verwaltung 192.0.2.1xx .1.3.6.1.2.1.1 (20 addresses, 2 rounds)")
    for r in range(2):
        for i in range(20):
            lab.spawn(mon, f"snmpget -v2c -c verwaltung -r 1 -t 1 192.0.2.{100 + i} .1.3.6.1.2.1.1.3.0 .1.3.6.1.2.1.1.5.0" + (f"; snmpwalk -v2c -c verwaltung -r 0 -t 1 192.0.2.{100 + i} .1.3.6.1.2.1.1" if r and i < 4 else ""))
            time.sleep(0.15)
        time.sleep(4)
    yield


@play("ping-monitor-20-hosts", "fping", "explain", "monitoring-poll", vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), seen={"icmp.type==8": 80}, note="A monitor pings the same twenty hosts every three seconds, five rounds; three are down. Looks like a ping sweep, but a sweep asks each address once, and strangers.")
def _(lab):
    mon = lab.host("mon", "in", 7)
    for i in range(17):
        lab.host(f"h{i}", "in", 110 + i * 3)
    yield
    for r in range(5):
        lab.tool(mon, "fping -q -r 0 " + " ".join(f"192.0.2.{110 + i * 3}" for i in range(20)), note=r == 0)
        time.sleep(3)
    yield


@play("haproxy-backends-down", "haproxy", "silence", "monitoring-poll", vantage="segment, inside", need=("clients",), seen={"tcp.flags.reset==1": 30}, note="A balancer checks eight servers by TCP: it resets each as soon as it is answered. In the middle four of them stop, then refuse; two never existed.")
def _(lab):
    servers = []
    for i in range(6):
        servers.append(services.web(lab.host(f"b{i}", "in", 50 + i), ports=(8000 + i,)))
    lb = lab.host("lb", "in", 48)
    lab.file("haproxy.cfg", "defaults\n  mode tcp\n  timeout connect 1s\n  timeout client 5s\n  timeout server 5s\nfrontend f\n  bind :80\n  default_backend pool\nbackend pool\n  option tcp-check\n" + "".join(f"  server s{i} 192.0.2.{50 + i}:{8000 + i} check inter 800ms\n" for i in range(8)))
    lab.spawn(lb, ["haproxy", "-f", "haproxy.cfg"])
    services.ready(lb, 80)
    lab.commands.append("haproxy -f haproxy.cfg (option tcp-check, inter 800ms, eight servers)")
    yield
    for i in range(2):
        lab.loop(lab.hosts[f"c{i}"], "curl -s -m 4 -o /dev/null http://192.0.2.48/style.css", 0.8)
    time.sleep(4)
    for p in servers[:3]:
        p.terminate()
    time.sleep(6)
    yield


@play("httping-monitor", "httping", "silence", "monitoring-poll", need=("www", "clients", "pcs", "resolver"), bg=("dns-out", "web-in"), seen={"http.request": 15}, note="One monitor calls the web server once a second with HEAD, another only opens the port and closes it again.")
def _(lab):
    yield
    a = lab.tool(lab.hosts["c1"], "httping -c 12 -i 1 http://192.0.2.10/", bg=True)
    lab.commands.append("nc -z 192.0.2.10 22 (every second)")
    for _ in range(12):
        lab.run(lab.hosts["c2"], "nc -z -w 2 192.0.2.10 22")
        time.sleep(1)
    a.wait(10)
    yield


@play("ntp-pool", "chronyd", "silence", "session", need=("pcs", "resolver"), bg=("dns-out",), seen={"ntp": 40}, note="Two PCs ask eight time servers of a pool, of which three are dead, with bursts at the start.")
def _(lab):
    for i in range(5):
        h = lab.host(f"t{i}", "out", 201 + i)
        lab.file("chrony-server.conf", "local stratum 2\nallow all\ncmdport 0\n")
        lab.spawn(h, ["chronyd", "-d", "-x", "-u", "root", "-f", "chrony-server.conf"])
    lab.file("chrony.conf", "".join(f"server 198.51.100.{201 + i} iburst minpoll 1 maxpoll 2\n" for i in range(8)) + "cmdport 0\n")
    time.sleep(1)
    yield
    for i in range(2):
        lab.tool(lab.hosts[f"pc{i}"], "chronyd -d -x -u root -f chrony.conf -t 14", bg=True, note=i == 0)
        time.sleep(1)
    time.sleep(15)
    yield


# -- the own network ------------------------------------------------------------------------------
@play("dhcp-four-clients", "dhclient", "explain", "dhcp-broadcast", vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), seen={"dhcp": 16}, note="Four machines start and ask for an address; the server first tries each address with a ping and ARP.")
def _(lab):
    srv = lab.host("dhcp", "in", 4)
    lab.spawn(srv, ["dnsmasq", "-k", "-C", "/dev/null", "-p", "0", "--user=root", "--dhcp-range=192.0.2.180,192.0.2.200,1h", "--dhcp-option=3,192.0.2.1", "--dhcp-leasefile=leases", "--pid-file"])
    hosts = []
    for i in range(4):
        h = lab.host(f"new{i}", "in", 220 + i, gateway=False)
        lab.run(lab.swi, "true")
        lab.run(h, "ip addr flush dev eth0")
        hosts.append(h)
    time.sleep(0.5)
    lab.file("dhscript", "#!/bin/sh\ncase $reason in BOUND|RENEW) ip addr replace $new_ip_address/24 dev eth0; ip route replace default via 192.0.2.1;; esac\n", 0o755)
    yield
    for i, h in enumerate(hosts):
        lab.tool(h, f"dhclient -1 -d -sf $LAB/dhscript -lf $LAB/lease{i} -pf $LAB/pid{i} eth0", bg=True, note=i == 0)
        time.sleep(1.5)
    time.sleep(6)
    for h in hosts:
        lab.spawn(h, "ping -c 2 198.51.100.80; arping -q -c 2 -U -I eth0 $(ip -4 -o addr show eth0 | grep -o '192[.0-9]*' | head -1)")
    time.sleep(3)
    yield


@play("arp-ordinary-segment", "ping", "silence", "session", vantage="segment, inside", need=("www", "mail", "pcs", "site", "resolver"), bg=("web-out", "dns-out"), seen={"arp.opcode==1": 20}, note="A segment of a dozen hosts that talk among each other: ARP by those who have business, repeated when entries go stale, gratuitous announcements, a host asking for two dead neighbours.")
def _(lab):
    hosts = [lab.host(f"w{i}", "in", 150 + i) for i in range(8)]
    yield
    for i, h in enumerate(hosts):
        lab.spawn(h, f"ping -c 2 192.0.2.10; curl -s -o /dev/null http://192.0.2.10/; ping -c 1 192.0.2.{150 + (i + 3) % 8}; ip neigh flush dev eth0; ping -c 1 192.0.2.11; arping -q -c 1 -U -I eth0 192.0.2.{150 + i}" + ("; ping -c 1 -W 2 192.0.2.240; ping -c 1 -W 2 192.0.2.241" if i == 2 else ""))
        time.sleep(0.4)
    time.sleep(8)
    yield


CHATTER = '''
import random, socket, struct, sys, time
# What hosts of many makers say to everybody: NetBIOS names (137), browser announcements (138), SSDP (1900), mDNS (5353), LLMNR (5355), Dropbox (17500), printers (3702).
own, name = sys.argv[1], sys.argv[2].upper()
def out(kind):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(own))
    s.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 4 if kind == 1900 else 255 if kind == 5353 else 1)
    s.bind((own, kind if kind in (137, 138, 5353, 17500) else 0))
    return s
def nb(n, suffix):
    return b"\\x20" + bytes(c for b in (n[:15].ljust(15).encode() + bytes([suffix])) for c in (65 + (b >> 4), 65 + (b & 15))) + b"\\0"
def labels(n):
    return b"".join(bytes([len(p)]) + p.encode() for p in n.split(".")) + b"\\0"
n137, n138, m, ssdp, ll, db, wsd = (out(p) for p in (137, 138, 5353, 1900, 5355, 17500, 3702))
end = time.time() + float(sys.argv[3])
for suffix in (0, 0x20):
    n137.sendto(struct.pack(">HHHHHH", random.randrange(65536), 0x2910, 1, 0, 0, 1) + nb(name, suffix) + struct.pack(">HH", 32, 1) + struct.pack(">HHHIH", 0xC00C, 32, 1, 300000, 6) + struct.pack(">H4s", 0, socket.inet_aton(own)), ("192.0.2.255", 137))
while time.time() < end:
    what = random.choice((1, 2, 3, 4, 5, 6, 7, 8))
    if what == 1:
        n137.sendto(struct.pack(">HHHHHH", random.randrange(65536), 0x0110, 1, 0, 0, 0) + nb(random.choice(("WPAD", "FILESRV", "PRINTER", "WORKGROUP")), 0) + struct.pack(">HH", 32, 1), ("192.0.2.255", 137))
    elif what == 2:
        smb = b"\\xffSMB\\x25" + bytes(27) + b"\\x11\\0\\0\\x1f\\0" + bytes(20) + b"\\x1f\\0\\x56\\0\\x03\\0\\x01\\0\\x01\\0\\x02\\0\\x30\\0\\\\MAILSLOT\\\\BROWSE\\0\\x01\\0" + struct.pack("<I", 120000) + name.encode().ljust(16, b"\\0") + b"\\x0a\\0\\x03\\x90\\x80\\0\\x0f\\x01\\x55\\xaa\\0"
        n138.sendto(b"\\x11\\x02" + struct.pack(">H", random.randrange(65536)) + socket.inet_aton(own) + struct.pack(">HHH", 138, 68 + len(smb), 0) + nb(name, 0) + nb("WORKGROUP", 0x1D) + smb, ("192.0.2.255", 138))
    elif what == 3:
        for _ in range(3):
            ssdp.sendto(b'M-SEARCH * HTTP/1.1\\r\\nHOST: 239.255.255.250:1900\\r\\nMAN: "ssdp:discover"\\r\\nMX: 3\\r\\nST: urn:schemas-upnp-org:device:InternetGatewayDevice:1\\r\\n\\r\\n', ("239.255.255.250", 1900))
            time.sleep(0.1)
    elif what == 4:
        for st in ("upnp:rootdevice", "urn:schemas-upnp-org:service:ContentDirectory:1"):
            ssdp.sendto(f"NOTIFY * HTTP/1.1\\r\\nHOST: 239.255.255.250:1900\\r\\nCACHE-CONTROL: max-age=1800\\r\\nLOCATION: http://{own}:8200/rootDesc.xml\\r\\nNT: {st}\\r\\nNTS: ssdp:alive\\r\\nUSN: uuid:4d696e69::{st}\\r\\n\\r\\n".encode(), ("239.255.255.250", 1900))
    elif what == 5:
        m.sendto(struct.pack(">HHHHHH", 0, 0, 2, 0, 0, 0) + labels("_ipp._tcp.local") + struct.pack(">HH", 12, 1) + labels("_airplay._tcp.local") + struct.pack(">HH", 12, 1), ("224.0.0.251", 5353))
    elif what == 6:
        ll.sendto(struct.pack(">HHHHHH", random.randrange(65536), 0, 1, 0, 0, 0) + labels(random.choice(("wpad", "filesrv", "xkqzv"))) + struct.pack(">HH", 1, 1), ("224.0.0.252", 5355))
    elif what == 7:
        db.sendto(b'{"host_int": 88123, "version": [2, 0], "displayname": "", "port": 17500, "namespaces": [1234]}', ("255.255.255.255", 17500))
    else:
        wsd.sendto(b'<?xml version="1.0"?><soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body><wsd:Probe/></soap:Body></soap:Envelope>', ("239.255.255.250", 3702))
    time.sleep(random.uniform(0.3, 1.2))
'''


@play("lan-chatter", "python", "silence", "peer-discovery", vantage="segment, inside", need=("site", "resolver", "pcs"), bg=("web-out", "dns-out"), seen={"nbns": 4, "ssdp": 6, "mdns": 4}, note="What hosts say to everybody: NetBIOS names and announcements, SSDP, mDNS, LLMNR, WS-Discovery, Dropbox. Many unanswered datagrams to odd ports of group addresses.")
def _(lab):
    hosts = [lab.host(f"desk{i}", "in", 160 + i) for i in range(6)]
    yield
    lab.commands.append("python3 chatter.py ADDR NAME 14 (six hosts)")
    for h in hosts:
        services.python(h, "chatter.py", CHATTER, h.ip, h.name, 14)
        time.sleep(0.2)
    time.sleep(15)
    yield


@play("avahi-and-nmbd", "avahi", "silence", "peer-discovery", vantage="segment, inside", need=("site", "resolver", "pcs"), bg=("web-out",), seen={"mdns": 10, "nbns || nbdgm": 6}, note="Real daemons on three hosts: avahi announces itself, nmbd registers its names and looks for a master.")
def _(lab):
    hosts = [lab.host(f"box{i}", "in", 170 + i) for i in range(3)]
    lab.file("avahi.conf", "[server]\nhost-name=box\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=no\nallow-interfaces=eth0\n[publish]\npublish-workstation=yes\n[rlimits]\n")
    lab.commands.append("avahi-daemon -f avahi.conf; nmbd (three hosts each)")
    yield
    for h in hosts:
        lab.spawn(h, ["avahi-daemon", "-f", "avahi.conf", "--no-drop-root", "--no-chroot", "--no-rlimits"])
        services.netbios(h)
        time.sleep(1)
    time.sleep(12)
    yield


@play("inventory-arp-and-snmp", "arp-scan+snmpget", "may", "inventory-agent", vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), sources=["192.0.2.8"], targets=["192.0.2.0/24"], seen={"arp.opcode==1 && arp.src.proto_ipv4==192.0.2.8": 120, "snmp": 20},
      note="An inventory walks its own segment by ARP and asks every host it found by SNMP with the right community. An alert for an ARP sweep or the explanation inventory-agent: both are defensible.")
def _(lab):
    inv = lab.host("inv", "in", 8)
    for i in range(10):
        services.snmp(lab.host(f"h{i}", "in", 60 + i * 7))
    yield
    lab.tool(inv, "arp-scan -I eth0 --retry=1 -i 30 192.0.2.0/25")
    for i in range(10):
        lab.tool(inv, f"snmpget -v2c -c verwaltung -r 0 -t 1 192.0.2.{60 + i * 7} .1.3.6.1.2.1.1.1.0 .1.3.6.1.2.1.1.5.0", note=i == 0)
    time.sleep(1)
    yield


# -- lines and peers ------------------------------------------------------------------------------
@play("path-mtu-discovery", "curl", "explain", "path-mtu-discovery", need=("site", "pcs", "www", "clients", "resolver"), bg=("dns-out",), seen={"icmp.type==3 && icmp.code==4": 2}, vantage="router, inside", note="A link outside takes 1280 octets; the router there tells the senders by fragmentation-needed, packet-too-big by IPv6, and they send again.")
def _(lab):
    lab.run(lab.core, "ip link set east0 mtu 1280")
    lab.run(lab.rt, "ip link set wan0 mtu 1280")
    lab.file("big.up", "x" * 9000)
    yield
    for i in range(2):
        lab.tool(lab.hosts["c0"], "curl -s -o /dev/null http://192.0.2.10/app.js", note=i == 0)
        lab.tool(lab.hosts["c1"], "curl -s -o /dev/null 'http://[2001:db8:2::10]/app.js'", note=i == 0)
        lab.tool(lab.hosts["pc0"], "curl -s -T big.up -o /dev/null http://198.51.100.80/", note=i == 0)
        lab.tool(lab.hosts["pc1"], "ping -c 2 -M do -s 1400 198.51.100.80", note=i == 0)
        lab.tool(lab.hosts["pc2"], "ping -c 2 -M dont -s 1400 198.51.100.80", note=i == 0)
    yield


@play("mtu-black-hole", "curl", "silence", "web", need=("www", "clients", "pcs", "resolver"), bg=("dns-out",), seen={"tcp.analysis.retransmission": 6}, note="The small link drops big packets and says nothing: handshakes complete, the answers are sent again and again, the client gives up and resets.")
def _(lab):
    lab.filter("table ip hole { chain forward { type filter hook forward priority 0; ip length > 1300 drop; } }", lab.core)
    yield
    for i in range(3):
        lab.tool(lab.hosts["c0"], "curl -s -m 5 -o /dev/null http://192.0.2.10/app.js", note=i == 0)
        lab.tool(lab.hosts["c1"], "curl -s -m 3 -o /dev/null http://192.0.2.10/index.html", note=i == 0)
    yield


P2P = '''
import random, socket, struct, sys, threading, time
# A client of a peer-to-peer network: it has a list of peers of which most are gone; it tries them by TCP and UDP on their odd ports.
own = sys.argv[1]
peers = [tuple(p.rsplit(":", 1)) for p in open("peers.txt").read().split()]
random.shuffle(peers)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind((own, 6881))
u.settimeout(0.2)
def tcp(a, p):
    s = socket.socket()
    s.settimeout(4)
    try:
        s.connect((a, int(p)))
        s.sendall(b"\\x13BitTorrent protocol" + bytes(8) + bytes(range(20)) + b"-TR3000-abcdefghijkl")
        s.recv(200)
        s.sendall(b"\\0\\0\\0\\1\\2")
        for i in range(4):
            s.sendall(struct.pack(">IBIII", 13, 6, i, 0, 16384))
            s.recv(4000)
            time.sleep(0.3)
    except OSError:
        pass
    s.close()
for a, p in peers:
    u.sendto(b"d1:ad2:id20:" + bytes(random.randrange(97, 122) for _ in range(20)) + b"e1:q4:ping1:t2:aa1:y1:qe", (a, int(p)))
    threading.Thread(target=tcp, args=(a, p), daemon=True).start()
    try:
        u.recv(500)
    except OSError:
        pass
    time.sleep(random.uniform(0.1, 0.5))
time.sleep(4)
'''
PEER = '''
import socket, sys, threading
own, port = sys.argv[1], int(sys.argv[2])
def serve(c):
    try:
        c.recv(200)
        c.sendall(b"\\x13BitTorrent protocol" + bytes(8) + bytes(range(20)) + b"-qB4500-abcdefghijkl")
        while c.recv(100):
            c.sendall(bytes(1200))
    except OSError:
        pass
def udp():
    u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    u.bind((own, port))
    while True:
        d, a = u.recvfrom(500)
        u.sendto(b"d1:rd2:id20:" + b"q" * 20 + b"e1:t2:aa1:y1:re", a)
threading.Thread(target=udp, daemon=True).start()
s = socket.socket()
s.bind((own, port))
s.listen()
while True:
    c, _ = s.accept()
    threading.Thread(target=serve, args=(c,), daemon=True).start()
'''


@play("p2p-many-dead-peers", "python", "silence", "session", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), vantage="router, outside", seen={"tcp.flags==2 && ip.src==192.0.2.30": 30}, note="A peer-to-peer client inside tries forty peers on as many ports, by UDP and TCP from one UDP port; six are alive and exchange data. Looks like a scan that mostly fails.")
def _(lab):
    import random
    random.seed(5)
    alive = [(f"198.51.100.{a}", random.randrange(20000, 60000)) for a in range(170, 176)]
    for i, (a, port) in enumerate(alive):
        services.python(lab.host(f"peer{i}", "out", 170 + i), "peer.py", PEER, a, port)
    dead = [(f"198.51.100.{random.randrange(180, 250)}", random.choice((6881, 51413, random.randrange(10000, 65000)))) for _ in range(34)]
    lab.file("peers.txt", "\n".join(f"{a}:{p}" for a, p in alive + dead))
    me = lab.host("me", "in", 30)
    time.sleep(0.6)
    yield
    lab.commands.append("python3 p2p.py (a list of forty peers, thirty-four of them gone)")
    services.python(me, "p2p.py", P2P, me.ip)
    time.sleep(19)
    yield


@play("aria2-mirrors-dead", "aria2c", "silence", "web", need=("pcs", "site", "resolver"), bg=("dns-out",), seen={"http.request": 5}, note="A downloader takes eight files from five mirrors, of which two are dead and one refuses; it goes on to the next mirror each time.")
def _(lab):
    lab.host("refuser", "out", 91)
    mirrors = ("198.51.100.91", "198.51.100.92", "198.51.100.80", "198.51.100.93", "198.51.100.81")
    files = ("index.html", "page.html", "style.css", "app.js", "logo.png", "site/index.html", "site/p1.html", "site/p2.html")
    lab.file("list.txt", "".join("\t".join(f"http://{m}/{f}" for m in mirrors[n % 5:] + mirrors[:n % 5]) + f"\n out=f{n}\n" for n, f in enumerate(files)))
    yield
    lab.tool(lab.hosts["pc0"], "aria2c -q -j 4 --allow-overwrite=true --connect-timeout=3 -m 2 -t 5 -d dl -i list.txt", timeout=60)
    yield


@play("previous-tenant-peers", "curl", "explain", "previous-tenant", need=("clients", "www", "pcs", "resolver"), bg=("web-in", "dns-out"), vantage="router, inside", seen={"tcp.flags==2 && ip.dst==192.0.2.21": 20}, note="A PC got the address of a former server; nine peers outside keep calling its two ports at their own rhythm and are refused.")
def _(lab):
    hosts = [lab.host(f"k{i}", "out", 180 + i) for i in range(9)]
    yield
    lab.commands.append("curl -s -m 4 telnet://192.0.2.21:6346 ; curl -s -m 4 http://192.0.2.21:8333/ (nine peers, each again and again)")
    for i, h in enumerate(hosts):
        lab.loop(h, "curl -s -m 4 telnet://192.0.2.21:6346 </dev/null" if i % 3 else "curl -s -m 4 http://192.0.2.21:8333/", 1.5 + i * 0.4)
    time.sleep(18)
    yield


@play("routing-loop", "ping", "explain", "routing-loop", need=("pcs", "site", "resolver"), bg=("web-out", "dns-out"), vantage="router, outside", seen={"icmp.type==11": 4, "icmp.type==8": 100}, note="Two routers point at each other for a prefix that is gone: each echo request passes here some thirty times with a falling TTL.")
def _(lab):
    lab.route(lab.core, "192.88.99.0/24", "via", "203.0.113.6")
    lab.route(lab.rt, "192.88.99.0/24", "via", "203.0.113.5")
    yield
    lab.tool(lab.hosts["pc0"], "ping -c 4 -W 1 192.88.99.7")
    lab.tool(lab.hosts["pc1"], "curl -s -m 3 http://192.88.99.8/")
    yield


@play("office-hour", "curl+dig+ssh+swaks", "silence", "session", need=("www", "mail", "ns", "ftp", "pcs", "site", "resolver", "clients", "mx"), bg=("web-in", "web-out", "name-web-out", "dns-out", "dns-in", "ssh-in", "mail-in", "pop-in", "ping-in", "ftp-in"), pause=3, seen={"tcp.flags==2": 28},
      note="All of the background that stands beside the attacks, alone.")
def _(lab):
    yield
    lab.commands.append("the background of services.py, all kinds, 14 s")
    time.sleep(14)
    yield


@play("office-inside-segment", "curl+dig+ssh+swaks", "silence", "session", vantage="segment, inside", need=("www", "mail", "ns", "ftp", "pcs", "site", "resolver", "clients", "mx"), bg=("web-in", "web-out", "name-web-out", "dns-out", "dns-in", "mail-in", "ftp-in"), pause=2.5, seen={"tcp.flags==2": 30},
      note="The same at the mirror port, with an internal SSH and an internal proxy user.")
def _(lab):
    yield
    lab.loop(lab.hosts["pc1"], ssh_command("192.0.2.10", "df; sleep 1; id"), 2)
    lab.commands.append("the background of services.py, 13 s")
    time.sleep(13)
    yield


# -- innocent reasons that the capture itself shows -----------------------------------------------
@play("mail-queue-dead-mx", "swaks", "silence", "mail", need=("mail", "mx", "pcs"), vantage="router, outside", seen={"tcp.dstport==25 && tcp.flags==2": 20, "dns": 30}, note="A mail server works off its queue: it looks up fifteen names and calls the address of each at port 25; ten are gone, three refuse, two take the mail. Looks like a sweep of port 25 by our server.")
def _(lab):
    r = lab.host("resolver", "out", 53)
    services.resolver(r, *[f"--host-record=mx{i}.example.org,198.51.100.{25 if i in (3, 9) else 230 + i}" for i in range(15)])
    for i in (1, 5, 6):
        lab.host(f"r{i}", "out", 230 + i)
    yield
    lab.commands.append("swaks --server mxN.example.org --from anna@example.net --to postmaster@example.net --timeout 6 (N 0 to 14, again after a while)")
    for _ in range(2):
        for i in range(15):
            lab.spawn(lab.hosts["mail"], f"swaks --server mx{i}.example.org --from anna@example.net --to postmaster@example.net --body 'late' --timeout 6 --hide-all")
            time.sleep(0.4)
        time.sleep(4)
    yield


@play("link-checker", "curl", "silence", "web", need=("site", "pcs"), bg=("web-out",), vantage="router, outside", seen={"tcp.dstport==80 && tcp.flags==2": 30, "dns": 60}, note="A PC checks the links of a page: it looks up thirty names and calls each at port 80; half of the servers are gone or refuse. Looks like a sweep of port 80.")
def _(lab):
    r = lab.host("resolver", "out", 53)
    where = {i: (80 + i % 3 if i % 2 else 200 + i) for i in range(30)}
    services.resolver(r, *[f"--host-record=site{i}.example.org,198.51.100.{where[i]}" for i in range(30)])
    for i in (4, 10, 22):
        lab.host(f"r{i}", "out", 200 + i)
    yield
    lab.commands.append("curl -s -I -m 4 http://siteN.example.org/ (N 0 to 29)")
    for i in range(30):
        lab.spawn(lab.hosts["pc2"], f"curl -4 -s -I -m 4 http://site{i}.example.org/index.html")
        time.sleep(0.25)
    time.sleep(5)
    yield


@play("irc-proxy-check", "python", "explain", "proxy-check", need=("pcs", "resolver", "site"), bg=("dns-out", "web-out"), seen={"tcp.flags==2 && ip.src==198.51.100.66": 8}, note="Two PCs join a chat server outside, which at once tries their proxy ports 1080, 3128, 8080, 80 and 23: it called because they did. Looks like a connect scan of our PCs.")
def _(lab):
    irc = lab.host("irc", "out", 66)
    services.python(irc, "chatd.py", '''
import socket, threading, time
def check(a):
    for p in (1080, 3128, 8080, 80, 23):
        s = socket.socket()
        s.settimeout(2)
        try:
            s.connect((a, p))
            s.sendall(b"\\x04\\x01\\x1a\\x0b\\xc6\\x33\\x64\\x42\\0")
        except OSError:
            pass
        s.close()
def serve(c, a):
    threading.Thread(target=check, args=(a,), daemon=True).start()
    c.sendall(b":irc.example.org NOTICE AUTH :*** Checking for open proxies\\r\\n")
    try:
        while c.recv(500):
            c.sendall(b":irc.example.org 001 otto :Welcome\\r\\n")
    except OSError:
        pass
s = socket.socket()
s.bind(("198.51.100.66", 6667))
s.listen()
while True:
    c, a = s.accept()
    threading.Thread(target=serve, args=(c, a[0]), daemon=True).start()
''')
    services.ready(irc, 6667)
    yield
    lab.commands.append("nc 198.51.100.66 6667 (two PCs); chatd.py calls back to 1080, 3128, 8080, 80, 23")
    for i in (0, 2):
        lab.spawn(lab.hosts[f"pc{i}"], "(echo NICK otto; echo USER otto 0 0 :otto; sleep 5; echo PING x; sleep 3; echo QUIT; sleep 1) | nc -q 1 198.51.100.66 6667")
        time.sleep(2)
    time.sleep(9)
    yield


@play("dns-late-answers", "dig", "explain", "stale-dns", need=("pcs", "site"), bg=("web-out",), seen={"icmp.type==3 && icmp.code==3": 6, "dns.flags.response==1": 12}, note="A slow resolver outside answers after the PCs have given up: each late answer draws a port-unreachable. Looks like a UDP scan by the resolver.")
def _(lab):
    r = lab.host("resolver", "out", 53)
    services.python(r, "slow.py", '''
import socket, threading
from dnslib import DNSRecord, RR, QTYPE, A
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
u.bind(("198.51.100.53", 53))
def later(d, a):
    q = DNSRecord.parse(d)
    r = q.reply()
    r.add_answer(RR(q.q.qname, QTYPE.A, rdata=A("198.51.100.80"), ttl=30))
    u.sendto(r.pack(), a)
while True:
    d, a = u.recvfrom(2000)
    threading.Timer(2.3, later, (d, a)).start()
''')
    for i in range(3):
        lab.sysctl(lab.hosts[f"pc{i}"], {"net.ipv4.icmp_ratelimit": 100})
    services.ready(r, 53, udp=True)
    yield
    lab.commands.append("dig +time=1 +tries=2 NAME @198.51.100.53 (three PCs)")
    for n in range(4):
        for i in range(3):
            lab.spawn(lab.hosts[f"pc{i}"], f"dig +time=1 +tries=2 host{n}{i}.example.org @198.51.100.53")
        time.sleep(2.5)
    time.sleep(3)
    yield


@play("nat-low-port-dns", "dig", "explain", "nat-low-port-dns", need=("resolver", "site", "pcs"), bg=("web-out",), vantage="router, outside", seen={"udp.srcport<1024 && udp.dstport==53": 30}, note="A translator gives the lookups of four PCs source ports below 1024. Looks like crafted packets.")
def _(lab):
    hidden = lab.translator("udp dport 53 snat to 192.0.2.9:600-1023 random", "snat to 192.0.2.9")
    yield
    lab.commands.append("dig www.example.org; dig api.example.org; dig gone.example.org (four PCs behind one address)")
    for h in hidden:
        lab.loop(h, "dig +time=1 +tries=1 www.example.org @198.51.100.53; dig +time=1 +tries=1 api.example.org @198.51.100.53; dig +time=1 +tries=1 gone.example.org @198.51.100.53", 1)
    time.sleep(8)
    yield


@play("netbios-name-lookups", "nbtstat", "explain", "netbios-name-resolution", vantage="segment, inside", need=("pcs", "site", "resolver"), bg=("web-out",), seen={"nbns": 12}, note="A host looks for names by broadcast and asks the four hosts that it talks to for their names. Looks like a NetBIOS sweep.")
def _(lab):
    boxes = [lab.host(f"box{i}", "in", 170 + i) for i in range(3)]
    for b in boxes:
        services.netbios(b)
    time.sleep(2)
    yield
    h = lab.hosts["pc2"]
    lab.file("smb.conf", "[global]\nworkgroup = WORKGROUP\ninterfaces = eth0\n")
    for c in ("nmblookup -s smb.conf BOX1", "nmblookup -s smb.conf FILESRV", "nmblookup -s smb.conf -A 192.0.2.170", "nmblookup -s smb.conf -A 192.0.2.171", "nmblookup -s smb.conf -A 192.0.2.172", "nmblookup -s smb.conf -M WORKGROUP"):
        lab.tool(h, c, timeout=10)
    time.sleep(2)
    yield


@play("web-lossy-line", "curl+ab", "silence", "web", need=("www", "clients", "pcs", "site", "resolver"), bg=("dns-out", "web-out"), lab=dict(loss_per_mille=80, delay_ms=30, jitter_ms=25), vantage="router, outside", seen={"tcp.analysis.retransmission": 10}, note="Eight percent of the frames are lost on a slow line: SYNs and answers are sent again, some calls come to nothing.")
def _(lab):
    yield
    lab.tool(lab.hosts["c0"], "ab -q -n 40 -c 5 http://192.0.2.10/style.css", timeout=60)
    lab.tool(lab.hosts["c1"], "for i in $(seq 1 10); do curl -s -m 4 -o /dev/null http://192.0.2.10/page.html; done", timeout=60)
    yield


@play("server-restart-resets-sessions", "ssh+curl", "silence", "session", need=("clients", "www", "pcs", "resolver"), bg=("dns-out",), seen={"tcp.flags.reset==1": 6}, note="A server with open sessions of six clients loses its state and comes back: their next segments are answered by RST, then they call again and are served.")
def _(lab):
    hosts = [lab.host(f"k{i}", "out", 140 + i) for i in range(6)]
    app = lab.host("app", "in", 14)
    services.web(app, ports=(8080,))
    yield
    script = "(for i in 1 2 3 4 5 6 7 8; do printf 'GET /tiny.txt HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'; sleep 1; done) | nc -q 1 192.0.2.14 8080; curl -s -o /dev/null http://192.0.2.14:8080/style.css"
    lab.commands.append("GET /tiny.txt every second on one connection (nc, six clients); the server forgets its connections (ss -K)")
    for h in hosts:
        lab.spawn(h, script)
        time.sleep(0.2)
    time.sleep(3)
    lab.filter("table inet f { chain i { type filter hook input priority 0; tcp dport 8080 drop; } }", app)
    lab.filter("table inet g { chain o { type filter hook output priority 0; tcp sport 8080 drop; } }", app)
    lab.run(app, "ss -K sport = :8080")
    lab.run(app, "nft delete table inet f; nft delete table inet g")
    time.sleep(8)
    yield


@play("ftp-many-files-active", "lftp", "silence", "ftp", need=("ftp", "clients", "www"), bg=("web-in",), seen={"tcp.srcport==20 && tcp.flags==2": 12}, note="A mirror by active FTP: the server opens a connection from port 20 to the client for every list and file, sixteen ports one after the other. Looks like a scan by the server with source port 20.")
def _(lab):
    for i in range(4, 14):
        lab.file(f"ftp-ftp/file{i}.txt", f"line {i}\n" * 40)
    yield
    lab.tool(lab.hosts["c0"], "lftp -c 'set ftp:passive-mode no; set ftp:prefer-epsv no; open 192.0.2.13; mirror / copy; bye'", timeout=40)
    yield


@play("socket-probing-clients", "netcat", "silence", "retry-to-dead-host", need=("www", "clients", "pcs", "resolver"), bg=("dns-out", "web-in"), seen={"tcp.flags.reset==1": 15}, note="Twenty-five customers have an old setting and each calls port 8443 of www, where nobody listens, two or three times within half a minute. Many refused calls, one port, no scanner.")
def _(lab):
    hosts = [lab.host(f"k{i}", "out", 110 + i, extra=tuple(170 + 2 * i + j for j in range(2)) if i < 10 else ()) for i in range(10)]
    yield
    lab.commands.append("curl -s -m 3 --interface ADDR https://192.0.2.10:8443/ (thirty addresses, two or three times)")
    for r in range(3):
        for i, h in enumerate(hosts):
            for a in (110 + i, 170 + 2 * i, 171 + 2 * i):
                if (a + r) % 4:
                    lab.spawn(h, f"curl -s -m 3 --interface 198.51.100.{a} https://192.0.2.10:8443/")
                    time.sleep(0.15)
        time.sleep(3)
    yield
