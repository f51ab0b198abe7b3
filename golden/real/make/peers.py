"""Programs that talk with many, and with some that are gone."""

import time

import services
from estate import POLL
from kit import PYTHON, addresses, calm, echo, many, note, run


@calm("calls-begun-too-early", "python", "session", "Twelve calls: RTP on even ports, RTCP on odd ones, both ways.")
def _(lab):
    c = lab.hosts["c0"]
    p = lab.hosts["pc0"]
    yield
    T = (
        "import socket,sys,time,struct\n"
        "peer=sys.argv[1]; L=[]\n"
        "for n in range(12):\n"
        " s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('0.0.0.0',20000+n*2+int(sys.argv[2])*1000)); L.append(s)\n"
        "for k in range(60):\n"
        " for n,s in enumerate(L): s.sendto(struct.pack('!BBHII',0x80,0,k,k*160,n)+b'v'*40,(peer,20000+n*2+(1-int(sys.argv[2]))*1000))\n"
        " time.sleep(0.05)\n"
    )
    lab.file("rtp.py", T)
    q = lab.spawn(c, [PYTHON, "rtp.py", "192.0.2.20", "0"])
    lab.tool(p, f"{PYTHON} rtp.py 198.51.100.101 1", 30)
    q.wait(20)
    yield


@calm(
    "name-of-sixteen-dead",
    "curl",
    "retry-to-dead-host",
    "A name has sixteen addresses, all dead; a client goes through them, again and again.",
    bg=("web-out",),
)
def _(lab):
    services.resolver(
        lab.host("r2", "out", 115), *[f"--host-record=many.example.org,198.51.100.{i}" for i in range(140, 156)]
    )
    yield
    run(
        lab,
        lab.hosts["pc1"],
        "cl.py",
        (
            "import socket,time,subprocess\n"
            "for n in range(2):\n"
            " L=subprocess.run('dig +short @198.51.100.115 many.example.org',shell=True,capture_output=True,text=True).stdout.split()\n"
            " for a in L:\n"
            "  try: socket.create_connection((a,443),0.4)\n"
            "  except OSError: pass\n"
            " time.sleep(1)\n"
        ),
    )
    yield


@calm(
    "resolver-dead-authorities",
    "dig",
    "dns",
    "A resolver asks authorities of which half are dead; forty names by three PCs.",
    bg=("web-out",),
    need=("pcs", "clients", "www", "site"),
)
def _(lab):
    for i in (120, 121, 122):
        services.resolver(lab.host(f"a{i}", "out", i), "--address=/test/198.51.100.80")
    r = lab.host("rec", "in", 68)
    conf = lab.file(
        "ub.conf",
        (
            "server:\n"
            " interface: 0.0.0.0\n"
            " access-control: 0.0.0.0/0 allow\n"
            " do-daemonize: no\n"
            ' chroot: ""\n'
            ' username: ""\n'
            f' pidfile: "{lab.work}/ub.pid"\n'
            " use-syslog: no\n"
            " module-config: iterator\n"
            " do-not-query-localhost: no\n"
            " local-zone: test. nodefault\n"
        )
        + "".join(
            f'stub-zone:\n name: "z{z}.test"\n'
            + "".join(f" stub-addr: 198.51.100.{i}\n" for i in (120 + z % 3, 123 + z % 5, 128 + z % 7, 140 + z))
            for z in range(12)
        ),
    )
    lab.spawn(r, ["unbound", "-d", "-c", conf])
    services.ready(r, 53, udp=True)
    yield
    note(lab, "dig @192.0.2.68 nN.zN.test (forty names)")
    for n in range(40):
        lab.spawn(lab.hosts[f"pc{n % 3}"], ["dig", "+time=3", "+tries=1", "@192.0.2.68", f"n{n}.z{n % 12}.test"])
        time.sleep(0.25)
    time.sleep(4)
    yield


@calm(
    "lookups-853-refused",
    "python",
    "dns",
    "A stub tries DNS over TLS at its three resolvers before each lookup, is refused, and falls back.",
    bg=("web-out",),
)
def _(lab):
    many(lab, "out", (120, 121, 122))
    yield
    run(
        lab,
        lab.hosts["pc1"],
        "cl.py",
        (
            "import socket,time,os\n"
            "for n in range(25):\n"
            " for a in ('198.51.100.53','198.51.100.120','198.51.100.121'):\n"
            "  try: socket.create_connection((a,853),1)\n"
            "  except OSError: pass\n"
            " os.system('dig +time=1 +tries=1 @198.51.100.53 n%d.example.org >/dev/null'%n)\n"
        ),
    )
    yield


@calm(
    "list-of-game-servers",
    "python",
    "peer-discovery",
    "A player's list of servers: the program asks a master server, then forty game servers by UDP, each from one socket; six are gone.",
    bg=("dns-out", "web-out"),
)
def _(lab):
    g = many(lab, "out", range(120, 154))
    mst = lab.host("master", "out", 116)
    lab.file(
        "srv.py",
        (
            "import socket,threading\n"
            "def f(a,p,m):\n"
            " s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((a,p))\n"
            " while True:\n"
            "  d,q=s.recvfrom(2000); s.sendto(m,q)\n"
            "import sys,struct\n"
            "if sys.argv[1]=='m': f('198.51.100.116',27011,b'\\xff'*4+b'f\\n'+b''.join(socket.inet_aton('198.51.100.%d'%i)+struct.pack('!H',27015) for i in range(120,160)))\n"
            "for i in range(120,154): threading.Thread(target=f,args=('198.51.100.%d'%i,27015,b'\\xff'*4+b'I\\x11server'+b'x'*60)).start()\n"
        ),
    )
    lab.spawn(g, [PYTHON, "srv.py", "g"])
    lab.spawn(mst, [PYTHON, "srv.py", "m"])
    time.sleep(0.6)
    yield
    run(
        lab,
        lab.hosts["pc2"],
        "cl.py",
        (
            "import socket,struct,time\n"
            "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.settimeout(3)\n"
            "s.sendto(b'1\\xff0.0.0.0:0\\0\\0',('198.51.100.116',27011)); d=s.recv(2000)[6:]\n"
            "l=[(socket.inet_ntoa(d[i:i+4]),struct.unpack('!H',d[i+4:i+6])[0]) for i in range(0,len(d),6)]\n"
            "s.setblocking(0)\n"
            "for t in l:\n"
            " s.sendto(b'\\xff'*4+b'TSource Engine Query\\0',t); time.sleep(0.03)\n"
            "time.sleep(1.5)\n"
            "for t in l[:20]:\n"
            " s.sendto(b'\\xff'*4+b'U\\xff\\xff\\xff\\xff',t); time.sleep(0.05)\n"
        ),
    )
    yield


@calm(
    "dht-half-gone",
    "python",
    "peer-discovery",
    "A DHT client: it knows three, asks those for more, and comes to fifty peers at random ports, half of which do not answer.",
    bg=("dns-out", "web-out"),
)
def _(lab):
    g = many(lab, "out", range(120, 150))
    lab.file(
        "dht.py",
        (
            "import socket,select,struct,random\n"
            "random.seed(4)\n"
            "P={i:random.randint(2000,60000) for i in range(120,175)}\n"
            "S=[]\n"
            "for i in range(120,150):\n"
            " s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('198.51.100.%d'%i,P[i])); S.append(s)\n"
            "while True:\n"
            " for s in select.select(S,[],[])[0]:\n"
            "  d,q=s.recvfrom(2000)\n"
            "  n=b''.join(random.randbytes(20)+socket.inet_aton('198.51.100.%d'%i)+struct.pack('!H',P[i]) for i in random.sample(sorted(P),8))\n"
            "  s.sendto(b'd1:rd2:id20:'+random.randbytes(20)+b'5:nodes%d:'%len(n)+n+b'e1:t2:aa1:y1:re',q)\n"
        ),
    )
    lab.spawn(g, [PYTHON, "dht.py"])
    time.sleep(0.7)
    yield
    run(
        lab,
        lab.hosts["pc1"],
        "cl.py",
        (
            "import socket,random,struct,time,select\n"
            "random.seed(4)\n"
            "P={i:random.randint(2000,60000) for i in range(120,175)}\n"
            "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('0.0.0.0',51413)); todo=[('198.51.100.%d'%i,P[i]) for i in (120,121,122)]; seen=set()\n"
            "q=b'd1:ad2:id20:'+b'm'*20+b'6:target20:'+b't'*20+b'e1:q9:find_node1:t2:aa1:y1:qe'\n"
            "end=time.time()+12\n"
            "while time.time()<end:\n"
            " while todo:\n"
            "  t=todo.pop(0)\n"
            "  if t in seen: continue\n"
            "  seen.add(t); s.sendto(q,t); time.sleep(0.05)\n"
            " if select.select([s],[],[],0.3)[0]:\n"
            "  d,_=s.recvfrom(2000); n=d.split(b'5:nodes208:')[1][:208]\n"
            "  for k in range(0,208,26): todo.append((socket.inet_ntoa(n[k+20:k+24]),struct.unpack('!H',n[k+24:k+26])[0]))\n"
        ),
    )
    yield


@calm(
    "candidates-of-a-call",
    "python",
    "session",
    "A call's candidates: STUN to a server, then checks to twelve address and port pairs of the peer, most of which fail.",
    bg=("web-out", "dns-out"),
)
def _(lab):
    g = many(lab, "out", (120, 121))
    lab.spawn(
        g,
        [
            PYTHON,
            "-c",
            (
                "import socket,threading\n"
                "def f(p):\n"
                " s=socket.socket(2,2);s.bind(('0.0.0.0',p))\n"
                " while 1:\n"
                "  d,q=s.recvfrom(999);s.sendto(b'\\x01\\x01'+d[2:],q)\n"
                "for p in (3478,50020): threading.Thread(target=f,args=(p,)).start()"
            ),
        ],
    )
    time.sleep(0.5)
    yield
    run(
        lab,
        lab.hosts["pc1"],
        "i.py",
        (
            "import socket,os,time\n"
            "s=socket.socket(2,2); s.setblocking(0)\n"
            "b=lambda: b'\\0\\1\\0\\0\\x21\\x12\\xa4\\x42'+os.urandom(12)\n"
            "for k in range(3): s.sendto(b(),('198.51.100.120',3478)); time.sleep(0.1)\n"
            "C=[('198.51.100.121',50020+n) for n in range(4)]+[('198.51.100.122',40000+n) for n in range(4)]+[('10.0.0.%d'%n,50020) for n in (3,4,5,6)]\n"
            "for r in range(5):\n"
            " for c in C:\n"
            "  try: s.sendto(b(),c)\n"
            "  except OSError: pass\n"
            "  time.sleep(0.03)\n"
            " time.sleep(0.4)\n"
            "for k in range(60):\n"
            " s.sendto(b'\\x80'+os.urandom(60),('198.51.100.121',50020)); time.sleep(0.03)\n"
        ),
    )
    yield


@calm(
    "connections-ahead-reset",
    "python",
    "web",
    "Six connections opened ahead at each of five hosts, most never used and reset after two seconds.",
    bg=("dns-out",),
)
def _(lab):
    g = many(lab, "out", range(120, 125))
    services.web(g, ports=(80, 443))
    yield
    run(
        lab,
        lab.hosts["pc1"],
        "b.py",
        (
            "import socket,struct,time\n"
            "L=[]\n"
            "for r in range(2):\n"
            " for i in range(120,125):\n"
            "  for n in range(6):\n"
            "   s=socket.create_connection(('198.51.100.%d'%i,443)); L.append(s)\n"
            " L[0].send(b'GET /tiny.txt HTTP/1.0\\r\\n\\r\\n'); L[0].recv(999)\n"
            " time.sleep(2)\n"
            " for s in L:\n"
            "  s.setsockopt(1,13,struct.pack('ii',1,0)); s.close()\n"
            " L=[]\n"
        ),
    )
    yield


@calm(
    "crawl-names-unseen",
    "curl",
    "web",
    "A crawler with names resolved out of sight: forty sites, five dead; all others are read.",
    bg=("web-out",),
)
def _(lab):
    g = many(lab, "out", range(120, 155))
    services.web(g)
    yield
    lab.tool(
        lab.hosts["pc2"], "seq 120 159 | xargs -P 6 -I{} curl -s -m 2 -o /dev/null http://198.51.100.{}/page.html", 60
    )
    yield


@calm(
    "power-cut",
    "python",
    "session",
    "A server loses power while thirty clients are connected: all retransmit; it comes back and resets them, they call again.",
    bg=("dns-out", "web-in"),
)
def _(lab):
    s = lab.host("app", "in", 65)
    e = echo(lab, s, [s.ip], [7000])
    cs = many(lab, "out", range(120, 150))
    yield
    T = POLL.replace("open_connection(h,port)", "open_connection('192.0.2.65',port,local_addr=(h,0))").replace(
        "w.write(say); await asyncio.wait_for(r.read(4000),wait); w.close()",
        (
            "\n"
            "        for k in range(9):\n"
            "            w.write(say); x=await asyncio.wait_for(r.read(4000),6)\n"
            "            if not x: break\n"
            "            await asyncio.sleep(1)\n"
            "        w.close()"
        ),
    )
    lab.file("c.py", T)
    p = lab.spawn(
        cs, [PYTHON, "c.py", ",".join(addresses(range(120, 150), "198.51.100.")), "7000", "2", "3", "3", "hello"]
    )
    time.sleep(4)
    import subprocess

    subprocess.run(["ip", "-n", s.ns, "link", "set", "eth0", "down"])
    e.kill()
    time.sleep(5)
    subprocess.run(["ip", "-n", s.ns, "link", "set", "eth0", "up"])
    lab.route(s, "default", "via", "192.0.2.1")
    echo(lab, s, [s.ip], [7000])
    p.wait(60)
    note(lab, "thirty clients, the server's link down for five seconds, its program gone")
    yield


@calm(
    "translator-forgets",
    "python",
    "session",
    "A translator forgets its table: what comes back belongs to nothing and is reset, clients call anew.",
    bg=("dns-out", "web-in"),
    vantage="router, outside",
)
def _(lab):
    s = lab.hosts["site"]
    echo(lab, s, ["198.51.100.80"], [7000])
    g = lab.hosts["pc0"]
    yield
    lab.file(
        "b.py",
        (
            "import socket,time\n"
            "S=[]\n"
            "for n in range(12):\n"
            " s=socket.create_connection(('198.51.100.80',7000)); s.settimeout(2); S.append(s)\n"
            "for r in range(8):\n"
            " for k,s in enumerate(S):\n"
            "  try: s.send(b'x'*30); s.recv(99)\n"
            "  except OSError:\n"
            "   try: S[k]=socket.create_connection(('198.51.100.80',7000),2); S[k].settimeout(2)\n"
            "   except OSError: pass\n"
            " time.sleep(0.6)\n"
        ),
    )
    q = lab.tool(g, f"{PYTHON} b.py", bg=True)
    time.sleep(2)
    lab.filter(
        'table ip n { chain p { type nat hook postrouting priority 100; oifname "wan0" ip saddr 192.0.2.20 masquerade; } }'
    )
    q.wait(40)
    yield
