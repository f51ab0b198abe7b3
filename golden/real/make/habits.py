"""Calm cases of many kinds: logins that begin with a refusal, discovery, telephones, tunnels, failover, boot."""

import time

import services
from kit import PYTHON, addresses, calm, echo, many, note, run
from lab import IN4, OUT4, WWW, sh
from services import ssh_command


def names(lab, pairs):
    """A resolver of the case's own with names, as more options to dnsmasq."""
    services.resolver(lab.host("ns2", "out", 54), *[f"--host-record={n},{x}" for n, x in pairs])
    lab.file("resolv.conf", f"nameserver {OUT4}54\noptions timeout:2 attempts:2\n")


TCP = (
    "import socket,time,sys,random\n"
    "def c(h,p,say=b'',wait=1.0,src=None):\n"
    " s=socket.socket(socket.AF_INET6 if ':' in h else 2); s.settimeout(wait)\n"
    " try:\n"
    "  if src: s.bind((src,0))\n"
    "  s.connect((h,p))\n"
    "  if say: s.send(say); s.recv(4000)\n"
    " except OSError: pass\n"
    " return s\n"
)
G = "b'GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'"
OUT = f"'{OUT4}%d'"
IN = f"'{IN4}%d'"


@calm(
    "basic-challenges",
    "curl",
    "web",
    "Twenty-four pages with basic authentication by a client that is asked for it each time: 401, then 200.",
    bg=("web-out",),
)
def _(lab):
    yield
    lab.tool(
        lab.hosts["c1"],
        f"for i in $(seq 24); do curl -s -m 4 --anyauth -u anna:Herbst-2019 -o /dev/null http://{WWW}/private/; done",
        60,
    )
    yield


@calm(
    "ssh-five-keys",
    "ssh",
    "ssh",
    "A program of a build machine logs in four times with an agent whose first keys are not known there.",
    bg=("web-out",),
)
def _(lab):
    k = "".join(f"test -f $LAB/k{i} || ssh-keygen -q -t ed25519 -N '' -f $LAB/k{i}; " for i in range(4))
    lab.run(lab.hosts["c0"], k)
    yield
    o = " ".join(f"-i {lab.work}/k{i}" for i in range(4))
    lab.tool(lab.hosts["c0"], "for i in $(seq 4); do " + ssh_command(WWW, "true", options=o) + "; done", 90)
    yield


@calm(
    "sip-register-15",
    "python",
    "session",
    "Fifteen telephones register at an exchange, each is challenged (401) and then let in; three rounds.",
    bg=("web-out",),
    vantage="segment, inside",
)
def _(lab):
    services.python(
        lab.hosts["www"],
        "sip.py",
        (
            "import socket,os\n"
            "s=socket.socket(2,2); s.bind(('0.0.0.0',5060))\n"
            "while 1:\n"
            " d,a=s.recvfrom(4000); t=d.decode(errors='replace'); h=[l for l in t.split('\\r\\n') if l[:3].lower() in('via','fro','to:','cal','cse')]\n"
            " ok='Authorization' in t\n"
            " s.sendto(('SIP/2.0 '+('200 OK' if ok else '401 Unauthorized\\r\\nWWW-Authenticate: Digest realm=\"x\", nonce=\"%s\"'%os.urandom(4).hex())+'\\r\\n'+'\\r\\n'.join(h)+'\\r\\nContent-Length: 0\\r\\n\\r\\n').encode(),a)\n"
        ),
    )
    h = many(lab, "in", range(160, 175))
    time.sleep(0.5)
    yield
    run(
        lab,
        h,
        "p.py",
        (
            "import socket,time\n"
            "S=[]\n"
            "for i in range(160,175):\n"
            f" s=socket.socket(2,2); s.bind(({IN}%i,5060)); s.settimeout(1); S.append((i,s))\n"
            "for r in range(3):\n"
            " for i,s in S:\n"
            "  for n,x in enumerate(('','Authorization: Digest username=\"%d\", response=\"ab\"\\r\\n'%i)):\n"
            f"   s.sendto(('REGISTER sip:{WWW} SIP/2.0\\r\\nVia: SIP/2.0/UDP {IN4}%d;branch=z9%d%d\\r\\nFrom: <sip:%d@x>;tag=1\\r\\nTo: <sip:%d@x>\\r\\nCall-ID: %d@%d\\r\\nCSeq: %d REGISTER\\r\\n%sContent-Length: 0\\r\\n\\r\\n'%(i,r,n,i,i,i,i,r*2+n,x)).encode(),('{WWW}',5060)); s.recv(2000)\n"
            " time.sleep(1.5)\n"
        ),
    )
    yield


@calm(
    "radius-20",
    "python",
    "session",
    "A wireless controller asks a RADIUS server for twenty users; five are refused; then the server stops and the second one is asked.",
    bg=("web-out",),
    vantage="segment, inside",
)
def _(lab):
    T = (
        "import socket,hashlib,sys\n"
        "s=socket.socket(2,2); s.bind(('0.0.0.0',1812)); n=0\n"
        "while 1:\n"
        " d,a=s.recvfrom(4000); n+=1; c=3 if n%4==0 else 2\n"
        " h=bytes([c])+d[1:2]+b'\\0\\x14'; s.sendto(h+hashlib.md5(h+d[4:20]+b'testing123').digest(),a)\n"
    )
    x, y = lab.host("ra", "in", 160), lab.host("rb", "in", 161)
    p = services.python(x, "ra.py", T)
    services.python(y, "ra.py", T)
    w = lab.host("wlc", "in", 162)
    time.sleep(0.6)
    yield
    lab.tool(
        w,
        f'for i in $(seq 14); do echo "User-Name=u$i,User-Password=p" | radclient -r 1 -t 1 {IN4}160 auth testing123; done',
        40,
    )
    p.kill()
    lab.tool(
        w,
        f'for i in $(seq 6); do echo "User-Name=u$i,User-Password=p" | radclient -r 1 -t 1 {IN4}160 auth testing123; echo "User-Name=u$i,User-Password=p" | radclient -r 1 -t 1 {IN4}161 auth testing123; done',
        40,
    )
    yield


@calm(
    "udp-trackers-15",
    "python",
    "peer-discovery",
    "A torrent client announces at fifteen UDP trackers whose names it has just looked up; nine are dead, two have closed ports.",
    bg=("web-in",),
)
def _(lab):
    g = many(lab, "out", range(120, 124))
    many(lab, "out", (124, 125), "r")
    P = [6969, 1337, 80, 451, 2710, 6969, 3310, 1337, 8080, 7777, 6881, 9010, 47069, 30808, 1984]
    names(lab, [(f"t{i}.example.com", f"{OUT4}{120 + i}") for i in range(15)])
    lab.file(
        "tr.py",
        (
            "import socket,select\n"
            "S=[]\n"
            f"for k,p in enumerate({P[:4]}):\n"
            f" s=socket.socket(2,2); s.bind(('{OUT4}%d'%(120+k),p)); S.append(s)\n"
            "while 1:\n"
            " for s in select.select(S,[],[])[0]:\n"
            "  d,a=s.recvfrom(999); s.sendto(d[8:16]+b'x'*12,a)\n"
        ),
    )
    lab.spawn(g, [PYTHON, "tr.py"])
    yield
    run(
        lab,
        lab.hosts["pc0"],
        "p.py",
        (
            "import socket,time,os\n"
            "s=socket.socket(2,2); s.bind(('0.0.0.0',6881)); s.settimeout(0.4)\n"
            "for r in range(3):\n"
            f" for k,p in enumerate({P}):\n"
            "  try: h=socket.gethostbyname('t%d.example.com'%k)\n"
            "  except OSError: continue\n"
            "  try: s.sendto(bytes.fromhex('0000041727101980')+b'\\0\\0\\0\\0'+os.urandom(4),(h,p)); s.recv(999)\n"
            "  except OSError: pass\n"
            " time.sleep(2)\n"
        ),
    )
    yield


@calm(
    "quic-fallback",
    "curl",
    "web",
    "A browser tries HTTP/3 with eight hosts at once; five drop UDP 443 and it goes on by TCP.",
    bg=("web-in",),
)
def _(lab):
    g = many(lab, "out", range(120, 128))
    echo(lab, g, addresses(range(120, 128), OUT4), [443])
    names(lab, [(f"q{i}.example.com", f"{OUT4}{i}") for i in range(120, 128)])
    lab.file(
        "q.py",
        (
            "import socket,select,os\n"
            "S=[]\n"
            "for i in range(120,123):\n"
            f" s=socket.socket(2,2); s.bind(({OUT}%i,443)); S.append(s)\n"
            "while 1:\n"
            " for s in select.select(S,[],[])[0]:\n"
            "  d,a=s.recvfrom(2000)\n"
            "  for k in range(3): s.sendto((b'\\xc3\\0\\0\\0\\1' if d[0]&128 else b'\\x43')+os.urandom(900),a)\n"
        ),
    )
    lab.spawn(g, [PYTHON, "q.py"])
    lab.filter(
        f"table inet q {{ chain forward {{ type filter hook forward priority 0; policy accept; ip daddr {OUT4}123-{OUT4}127 udp dport 443 drop; }} }}"
    )
    yield
    run(
        lab,
        lab.hosts["pc1"],
        "p.py",
        TCP
        + (
            "import os\n"
            "for r in range(1):\n"
            " for i in range(120,128):\n"
            "  try: h=socket.gethostbyname('q%d.example.com'%i)\n"
            "  except OSError: continue\n"
            "  u=socket.socket(2,2); u.settimeout(0.25)\n"
            "  for n in range(3):\n"
            "   u.sendto(b'\\xc3\\0\\0\\0\\1\\x08'+os.urandom(1190),(h,443))\n"
            "   try:\n"
            "    u.recv(2000); u.sendto(b'\\x42'+os.urandom(40),(h,443)); break\n"
            "   except OSError: pass\n"
            f"  else: c(h,443,{G},1).close()\n"
        ),
    )
    yield


@calm(
    "tcp-fast-open",
    "curl",
    "web",
    "TCP Fast Open: SYNs that carry data and cookies, forty connections to two servers.",
    bg=("dns-out",),
)
def _(lab):
    for n in ("c0", "www"):
        lab.sysctl(lab.hosts[n], {"net.ipv4.tcp_fastopen": 3})
    g = lab.hosts["www"]
    lab.spawn(
        g,
        [
            PYTHON,
            "-c",
            (
                "import socket\n"
                "s=socket.socket(); s.setsockopt(1,2,1); s.setsockopt(6,23,50); s.bind(('0.0.0.0',8080)); s.listen(50)\n"
                "while 1:\n"
                " c,_=s.accept(); c.recv(999); c.send(b'HTTP/1.0 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok'); c.close()"
            ),
        ],
    )
    services.ready(g, 8080)
    yield
    lab.tool(lab.hosts["c0"], f"for i in $(seq 40); do curl -s -m 2 --tcp-fastopen http://{WWW}:8080/; done", 40)
    yield


@calm(
    "simultaneous-open",
    "python",
    "session",
    "Two peers punch holes: each sends SYNs to the other at one time, from agreed ports, several attempts; three succeed.",
    bg=("web-out", "web-in"),
)
def _(lab):
    y = lab.host("peer", "out", 130)
    T = (
        "import socket,sys,time\n"
        "me,him=sys.argv[1:3]; t=float(sys.argv[3])\n"
        "for k in range(8):\n"
        " time.sleep(max(0,t+k*1.2-time.time()))\n"
        " s=socket.socket(); s.setsockopt(1,2,1); s.bind((me,40000+k)); s.settimeout(1)\n"
        " try: s.connect((him,41000+k if me<him else 40000+k) if 0 else (him,40000+k)); s.send(b'hi'); s.recv(9)\n"
        " except OSError: pass\n"
        " s.close()\n"
    )
    lab.file("so.py", T)
    yield
    t = time.time() + 1.5
    p = lab.spawn(y, [PYTHON, "so.py", y.ip, IN4 + "20", str(t)])
    lab.tool(lab.hosts["pc0"], f"{PYTHON} so.py {IN4}20 {OUT4}130 {t}", 40)
    p.wait(20)
    yield


@calm(
    "keepalives-dead-peers",
    "python",
    "session",
    "A server holds fifteen idle connections; eight peers vanish; keep-alive probes go unanswered until it resets.",
    bg=("web-in",),
)
def _(lab):
    s = lab.host("app", "in", 65)
    g, d = many(lab, "out", range(120, 127)), many(lab, "out", range(127, 135), "d")
    lab.spawn(
        s,
        [
            PYTHON,
            "-c",
            (
                "import socket\n"
                "s=socket.socket(); s.setsockopt(1,2,1); s.bind(('0.0.0.0',7000)); s.listen(50); L=[]\n"
                "while 1:\n"
                " c,_=s.accept(); c.setsockopt(1,9,1); c.setsockopt(6,4,1); c.setsockopt(6,5,1); c.setsockopt(6,6,5); L.append(c)"
            ),
        ],
    )
    services.ready(s, 7000)
    yield
    lab.file(
        "k.py",
        TCP
        + f"L=[c('{IN4}65',7000,b'',2,'{OUT4}%d'%i) for i in range(int(sys.argv[1]),int(sys.argv[2]))]\ntime.sleep(11)\n",
    )
    lab.spawn(g, [PYTHON, "k.py", "120", "127"])
    lab.spawn(d, [PYTHON, "k.py", "127", "135"])
    time.sleep(2.5)
    sh("ip", "-n", d.ns, "link", "set", "eth0", "down")
    note(lab, "fifteen clients with keep-alive; the line of eight is cut")
    time.sleep(10)
    yield


@calm(
    "dns-blacklists",
    "dig",
    "dns",
    "A mail server asks twelve blacklists about each of seven callers: nearly all names do not exist, two lists are dead.",
    bg=("web-in",),
)
def _(lab):
    m = lab.host("mx1", "in", 67)
    yield
    run(
        lab,
        m,
        "p.py",
        (
            "import subprocess\n"
            "for k in range(7):\n"
            f" P=[subprocess.Popen(['dig','+time=1','+tries=1','@{OUT4}53' if l<10 else '{OUT4}99','%d.113.0.203.bl%d.example.org'%(k,l)],stdout=-3) for l in range(12)]\n"
            " [p.wait() for p in P]\n"
        ),
    )
    yield


@calm(
    "backup-ports-40",
    "python",
    "session",
    "A backup: over a control connection the server names a port for each of forty files, the client connects to it.",
    bg=("web-in",),
)
def _(lab):
    b = lab.host("bak", "in", 62)
    lab.file(
        "bs.py",
        (
            "import socket\n"
            "s=socket.socket(); s.setsockopt(1,2,1); s.bind(('0.0.0.0',13724)); s.listen(5)\n"
            "while 1:\n"
            " c,_=s.accept(); p=31000\n"
            " while 1:\n"
            "  d=c.recv(99)\n"
            "  if not d: break\n"
            "  p+=1; l=socket.socket(); l.setsockopt(1,2,1); l.bind(('0.0.0.0',p)); l.listen(1); c.send(b'PORT %d\\n'%p); x,_=l.accept(); n=0\n"
            "  while x.recv(9999): pass\n"
            "  x.close(); l.close()\n"
        ),
    )
    lab.spawn(b, [PYTHON, "bs.py"])
    services.ready(b, 13724)
    yield
    run(
        lab,
        lab.hosts["c0"],
        "bc.py",
        (
            "import socket,time\n"
            f"c=socket.create_connection(('{IN4}62',13724))\n"
            "for n in range(40):\n"
            f" c.send(b'FILE %d\\n'%n); p=int(c.recv(99).split()[1]); x=socket.create_connection(('{IN4}62',p)); x.send(b'data'*300); x.close(); time.sleep(0.05)\n"
        ),
    )
    yield


@calm(
    "socks-proxy-30",
    "curl",
    "web",
    "A SOCKS proxy inside calls thirty sites for its users, whose names are resolved elsewhere; six are dead, two refuse.",
    bg=("web-in",),
)
def _(lab):
    p = lab.host("sx", "in", 70)
    lab.spawn(p, ["microsocks", "-p", "1080"])
    services.ready(p, 1080)
    g = many(lab, "out", range(120, 142))
    many(lab, "out", (142, 143), "r")
    echo(lab, g, addresses(range(120, 142), OUT4), [443])
    yield
    lab.tool(
        lab.hosts["pc0"],
        f"for i in $(seq 120 149) 120 121 122 125 126; do curl -s -m 1 --http0.9 --socks5 {IN4}70:1080 http://{OUT4}$i:443/; done",
        60,
    )
    yield


@calm(
    "wsd-ssdp-llmnr",
    "python",
    "peer-discovery",
    "Discovery by WS-Discovery, SSDP, LLMNR, mDNS and BJNP by six hosts; unicast answers; three of the devices found are read by HTTP.",
    vantage="segment, inside",
    bg=("web-out",),
)
def _(lab):
    h = many(lab, "in", range(160, 166))
    d = many(lab, "in", range(170, 176), "d")
    echo(lab, d, addresses(range(170, 176)), [8008, 80])
    lab.file(
        "d.py",
        (
            "import socket,struct,time,threading\n"
            "r=[]\n"
            "for p,g in ((3702,'239.255.255.250'),(1900,'239.255.255.250'),(5355,'224.0.0.252'),(5353,'224.0.0.251')):\n"
            f" s=socket.socket(2,2); s.setsockopt(1,2,1); s.bind(('',p)); s.setsockopt(0,35,socket.inet_aton(g)+socket.inet_aton('{IN4}170')); r.append(s)\n"
            "import select\n"
            "while 1:\n"
            " for s in select.select(r,[],[])[0]:\n"
            "  x,a=s.recvfrom(2000)\n"
            "  for i in range(170,176):\n"
            f"   t=socket.socket(2,2); t.setsockopt(1,2,1); t.bind(({IN}%i,s.getsockname()[1])); t.sendto(b'HTTP/1.1 200 OK device '*4,a); t.close()\n"
        ),
    )
    lab.spawn(d, [PYTHON, "d.py"])
    time.sleep(0.6)
    yield
    run(
        lab,
        h,
        "w.py",
        TCP
        + (
            "for r in range(2):\n"
            " for k in range(160,166):\n"
            f"  for g,p in (('239.255.255.250',3702),('239.255.255.250',1900),('224.0.0.252',5355),('224.0.0.251',5353),('{IN4}255',8612)):\n"
            f"   s=socket.socket(2,2); s.setsockopt(1,6,1); s.setsockopt(0,32,socket.inet_aton({IN}%k)); s.bind(({IN}%k,0))\n"
            "   try: s.sendto(b'hello who is there '*5,(g,p))\n"
            "   except OSError: pass\n"
            "   time.sleep(0.05)\n"
            "for i in range(170,173):\n"
            f" c({IN}%i,8008,{G}).close(); c({IN}%i,80,{G}).close()\n"
        ),
    )
    yield


@calm(
    "vip-failover",
    "python",
    "session",
    "A shared address moves to another machine: gratuitous ARP; twelve clients' connections are reset there and made anew.",
    vantage="segment, inside",
    bg=("web-out",),
)
def _(lab):
    x, y = lab.host("va", "in", 160, extra=(90,)), lab.host("vb", "in", 161)
    echo(lab, x, [IN4 + "90"], [7000])
    cs = many(lab, "out", range(120, 132))
    yield
    lab.file(
        "l.py",
        TCP
        + (
            "import threading\n"
            "def t(k):\n"
            " e=time.time()+10; s=None\n"
            " while time.time()<e:\n"
            "  try:\n"
            f"   if s is None: s=socket.create_connection(('{IN4}90',7000),1.5,({OUT}%k,0))\n"
            "   s.send(b'ask'); s.settimeout(2)\n"
            "   if not s.recv(99): s=None\n"
            "  except OSError: s=None\n"
            "  time.sleep(0.6)\n"
            "T=[threading.Thread(target=t,args=(k,)) for k in range(120,132)]\n"
            "[x.start() for x in T]; [x.join() for x in T]\n"
        ),
    )
    q = lab.tool(cs, f"{PYTHON} l.py", bg=True)
    time.sleep(3.5)
    sh("ip", "-n", x.ns, "addr", "del", IN4 + "90/24", "dev", "eth0")
    lab.addr(y.ns, "eth0", IN4 + "90/24")
    echo(lab, y, [IN4 + "90"], [7000])
    lab.tool(y, f"arping -q -U -c 4 -w 3 -I eth0 {IN4}90")
    q.wait(20)
    yield


@calm(
    "cgn-40-users",
    "curl",
    "web",
    "Behind one address many users call thirty-five hosts; their names are resolved behind it too; a fifth do not answer or refuse.",
    bg=("web-in",),
    vantage="router, outside",
)
def _(lab):
    hidden = lab.translator("masquerade")
    g = many(lab, "out", range(120, 148))
    many(lab, "out", (148, 149), "r")
    echo(lab, g, addresses(range(120, 148), OUT4), [443, 80])
    yield
    lab.file(
        "u.py",
        TCP
        + (
            "import sys\n"
            "random.seed(int(sys.argv[1]))\n"
            "for n in range(17):\n"
            f" c({OUT}%random.randint(120,154),random.choice([80,443,443]),{G},1).close(); time.sleep(random.expovariate(6))\n"
        ),
    )
    ps = [lab.tool(h, f"{PYTHON} u.py {k}", bg=True, note=k == 0) for k, h in enumerate(hidden)]
    for p in ps:
        p.wait(60)
    yield


@calm(
    "guests-boot-v6",
    "python",
    "session",
    "Thirty IPv6 addresses come up at once: duplicate detection for each, then ARP probes for thirty IPv4 addresses.",
    vantage="segment, inside",
    bg=("web-out",),
)
def _(lab):
    h = lab.host("hy", "in", 68)
    lab.sysctl(h, {"net.ipv6.conf.eth0.accept_dad": 1, "net.ipv6.conf.all.accept_dad": 1})
    yield
    lab.tool(
        h,
        f"for i in $(seq 1 30); do ip -6 addr add 2001:db8:e5::ac:$i/64 dev eth0; sleep 0.03; done; for i in $(seq 160 189); do arping -q -D -c 2 -w 2 -I eth0 {IN4}$i && ip addr add {IN4}$i/24 dev eth0 & sleep 0.05; done; wait; for i in $(seq 160 189); do arping -q -U -c 1 -w 1 -I eth0 -s {IN4}$i {IN4}$i; done",
        90,
    )
    yield


@calm(
    "pxe-config-names",
    "python",
    "session",
    "Eight machines boot: each asks a TFTP server for eleven names, of which the last exists.",
    vantage="segment, inside",
    bg=("web-out",),
)
def _(lab):
    s = lab.host("boot", "in", 67)
    lab.run(s, "mkdir -p tf; head -c 900 /dev/urandom > tf/default; chmod -R 777 tf")
    lab.spawn(
        s, ["atftpd", "--daemon", "--no-fork", "--user", "root", "--group", "root", "--port", "69", lab.work + "/tf"]
    )
    services.ready(s, 69, udp=True)
    h = many(lab, "in", range(160, 168))
    yield
    run(
        lab,
        h,
        "t.py",
        (
            "import socket,time\n"
            "for k in range(160,168):\n"
            " for n in ['01-52-54','0A3D09A0','0A3D09A','0A3D09','0A3D0','0A3D','0A3','0A','0','x','default']:\n"
            f"  s=socket.socket(2,2); s.bind(({IN}%k,0)); s.settimeout(1); s.sendto(b'\\0\\1'+n.encode()+b'\\0octet\\0',('{IN4}67',69))\n"
            "  try:\n"
            "   while 1:\n"
            "    d,a=s.recvfrom(999)\n"
            "    if d[1]!=3: break\n"
            "    s.sendto(b'\\0\\4'+d[2:4],a)\n"
            "    if len(d)<516: break\n"
            "  except OSError: pass\n"
            "  s.close()\n"
            " time.sleep(0.2)\n"
        ),
    )
    yield
