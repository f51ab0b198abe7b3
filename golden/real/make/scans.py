"""Further scans: other flags, other orders, other programs, many sources."""

import time

import services
from kit import PYTHON, SCAPY, play, probe
from lab import MAIL, WWW


def script(name, text):
    def prepare(lab):
        lab.file(name, text)

    return prepare


ASYNC = """
import asyncio, sys, random
hosts, ports, width, wait, gap, say = eval(sys.argv[1]), eval(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]), float(sys.argv[5]), (sys.argv[6].encode().decode("unicode_escape").encode() if len(sys.argv) > 6 else b"")
async def one(h, p, sem):
    async with sem:
        try:
            r, w = await asyncio.wait_for(asyncio.open_connection(h, p), wait)
            if say is not None and say:
                w.write(say)
                try: await asyncio.wait_for(r.read(300), wait)
                except Exception: pass
            w.close()
        except Exception: pass
async def main():
    sem = asyncio.Semaphore(width); todo = [(h, p) for h in hosts for p in ports]
    if "shuffle" in sys.argv: random.shuffle(todo)
    ts = []
    for h, p in todo:
        ts.append(asyncio.create_task(one(h, p, sem)))
        if gap: await asyncio.sleep(gap)
    await asyncio.gather(*ts)
asyncio.run(main())
"""

AS = script("scan.py", ASYNC)


def scapy(name, klass, text, *, attacker, **more):
    probe(name, "python", f"{PYTHON} s.py", klass, attacker=attacker, prepare=script("s.py", SCAPY + text), **more)


ZM = "-i eth0 -G $(ip neigh show 198.51.100.1 | grep -o '[0-9a-f:]\\{17\\}') -o zmap.csv -b /dev/null"


def arp(lab):
    """Lets the scanner learn its gateway's hardware address."""
    return lab.run(lab.hosts["eve"], "ping -c1 198.51.100.1")


BOT = SCAPY + "L=[(120+d%50,d) for d in range(20,76)]\n"

ZOMBIE = """
import socket, struct, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800)); s.bind(("eth0", 0))
me = socket.inet_aton(sys.argv[1]); ipid = 4711
def ck(b):
    if len(b) % 2: b += b"\\0"
    t = sum(struct.unpack("!%dH" % (len(b)//2), b)); t = (t >> 16) + (t & 0xffff); return ~(t + (t >> 16)) & 0xffff
while True:
    f = s.recv(2000)
    if len(f) < 54 or f[30:34] != me or f[23] != 6: continue
    o = 14 + (f[14] & 15) * 4; sp, dp, seq, ack, off, fl = struct.unpack("!HHIIBB", f[o:o+14])
    if fl & 4: continue
    ipid = (ipid + 1) & 0xffff
    rseq, rfl, rack = (ack, 4, 0) if fl & 16 else (0, 0x14, seq + 1)
    t = struct.pack("!HHIIBBHHH", dp, sp, rseq, rack & 0xffffffff, 0x50, rfl, 0, 0, 0)
    p = me + f[26:30] + struct.pack("!BBH", 0, 6, len(t)); t = t[:16] + struct.pack("!H", ck(p + t)) + t[18:]
    h = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, ipid, 0, 128, 6, 0, me, f[26:30]); h = h[:10] + struct.pack("!H", ck(h)) + h[12:]
    s.send(f[6:12] + f[:6] + b"\\x08\\0" + h + t)
"""

probe(
    "nmap-badsum",
    "nmap",
    f"nmap -sS -n -Pn --badsum --max-retries 0 --top-ports 70 {WWW}",
    "syn-scan",
    attacker=63,
    targets=[WWW],
    note="No host takes segments of a wrong checksum; only filters answer.",
)
probe(
    "nmap-scanflags-psh-fin",
    "nmap",
    f"nmap -n -Pn -sF --scanflags PSHFIN --top-ports 50 {WWW}",
    "xmas-scan",
    attacker=65,
    targets=[WWW],
    note="PSH and FIN.",
)
scapy(
    "scapy-all-flags",
    "xmas-scan",
    "for p in range(1,70):\n send(IP(dst='%s')/TCP(sport=20,dport=p,flags='FSRPAUEC')); time.sleep(0.03)\n" % WWW,
    attacker=180,
    targets=[WWW],
    note="All flags at once.",
)
probe(
    "hping-ack-rising-ports",
    "hping3",
    f"hping3 -A -p ++70 -i u60000 -c 70 -q {MAIL}",
    "ack-scan",
    attacker=124,
    targets=[MAIL],
    bg=("mail-in", "dns-out"),
)
probe(
    "nmap-ack-ipv6",
    "nmap",
    "nmap -6 -sA -n -Pn --top-ports 60 2001:db8:2::11",
    "ack-scan",
    attacker=70,
    targets=["2001:db8:2::11"],
    guilty6=True,
)


@play(
    "nmap-idle-scan",
    "nmap",
    "alert",
    "syn-scan",
    need=("www", "mail", "clients", "pcs", "site", "resolver"),
    bg=("web-in", "mail-in"),
    sources=["198.51.100.111"],
    targets=[WWW],
    seen={"ip.src==198.51.100.111 && tcp.flags==2": 15},
    note="The scanner forges the address of a quiet host; at the target only that one is seen.",
)
def _(lab):
    eve = lab.host("eve", "out", 110)
    z = lab.host("zombie", "out", 111)
    lab.filter("table ip q { chain o { type filter hook output priority 0; tcp flags & rst == rst drop; } }", z)
    services.python(z, "zombie.py", ZOMBIE, z.ip)
    yield
    time.sleep(1)
    lab.tool(eve, f"nmap -n -Pn -sI 198.51.100.111:4000 -p 19-40,80 {WWW}", 90)
    yield


probe(
    "nmap-syn-ping",
    "nmap",
    "nmap -sn -n -PS22,80,443 192.0.2.0/27",
    "port-sweep",
    attacker=41,
    targets=["192.0.2.0/27"],
    vantage="router, outside",
    note="SYN pings of three ports.",
)
probe(
    "nmap-udp-ping",
    "nmap",
    "nmap -sn -n -PU40125 192.0.2.0/27",
    "port-sweep",
    attacker=83,
    targets=["192.0.2.0/27"],
    vantage="router, outside",
    note="UDP pings of one port.",
)
probe(
    "sweep-for-proxies",
    "python",
    f"{PYTHON} scan.py '[\"192.0.2.%d\"%i for i in range(8,24)]' '[3128,8080,8000,8888,1080]' 20 1 0.05 'CONNECT mail.example.com:25 HTTP/1.0\\r\\n\\r\\n'",
    "web-proxy-sweep",
    attacker=133,
    targets=["192.0.2.8/29", "192.0.2.16/29"],
    vantage="router, outside",
    prepare=AS,
)
probe(
    "masscan-banners",
    "masscan",
    "masscan 192.0.2.0/27 -p22,80 --banners --rate 60 --wait 3 --source-ip 198.51.100.212 --router-ip 198.51.100.1 -e eth0",
    "port-sweep",
    attacker=112,
    sources=["198.51.100.212"],
    targets=["192.0.2.0/27"],
    vantage="router, outside",
    extra=(),
)
probe(
    "zmap-ntp",
    "zmap",
    f"zmap -M udp -p 123 --probe-args=hex:1700032a00000000 -r 60 -c 3 {ZM} 192.0.2.0/26",
    "port-sweep",
    attacker=118,
    targets=["192.0.2.0/26"],
    vantage="router, outside",
    prepare=arp,
    note="A private-mode NTP question to 64 addresses.",
)
probe(
    "svmap",
    "python",
    "timeout 30 svmap 192.0.2.0/26",
    "port-sweep",
    attacker=160,
    targets=["192.0.2.0/26"],
    vantage="router, outside",
    note="SIP OPTIONS to 64 addresses.",
)
probe(
    "ike-scan",
    "python",
    "ike-scan --retry=2 192.0.2.16/28 192.0.2.32/28",
    "port-sweep",
    attacker=161,
    targets=["192.0.2.32/28"],
    vantage="router, outside",
    note="ISAKMP to 32 addresses.",
)


@play(
    "botnet-telnet",
    "python",
    "alert",
    "port-sweep",
    need=("www", "clients", "pcs", "site", "resolver"),
    bg=("web-in", "dns-out"),
    vantage="router, outside",
    sources=[f"198.51.100.{i}" for i in range(120, 170)],
    targets=["192.0.2.32/28"],
    note="Fifty sources, each asks a few addresses for telnet; together they go over the net.",
)
def _(lab):
    eve = lab.host("eve", "out", 120, extra=tuple(range(121, 170)))
    lab.file(
        "bot.py",
        BOT
        + (
            "random.shuffle(L)\n"
            "for s,d in L*2:\n"
            " send(IP(src='198.51.100.%d'%s,dst='192.0.2.%d'%d,ttl=50)/TCP(sport=random.randint(1024,65000),dport=23,flags='S',seq=random.getrandbits(32))); time.sleep(0.05)\n"
        ),
    )
    yield
    lab.tool(eve, f"{PYTHON} bot.py", 60)
    yield


@play(
    "botnet-own-numbers",
    "python",
    "alert",
    "port-sweep",
    need=("www", "clients", "pcs", "site", "resolver"),
    bg=("web-in", "dns-out"),
    vantage="router, outside",
    sources=[f"198.51.100.{i}" for i in range(120, 160)],
    targets=["192.0.2.0/24"],
    note="Forty sources; the sequence number is the address asked; 23 and 2323.",
)
def _(lab):
    eve = lab.host("eve", "out", 120, extra=tuple(range(121, 160)))
    lab.file(
        "bot.py",
        BOT
        + (
            "import socket,struct\n"
            "for n in range(160):\n"
            " d='192.0.2.%d'%random.randint(2,250)\n"
            " send(IP(src='198.51.100.%d'%random.randint(120,159),dst=d,ttl=random.randint(40,60))/TCP(sport=random.randint(1024,65000),dport=23 if n%10 else 2323,flags='S',seq=struct.unpack('!I',socket.inet_aton(d))[0])); time.sleep(random.expovariate(20))\n"
        ),
    )
    yield
    lab.tool(eve, f"{PYTHON} bot.py", 60)
    yield


@play(
    "worm-445",
    "python",
    "alert",
    "port-sweep",
    need=("www", "clients", "pcs", "site", "resolver"),
    bg=("web-in", "dns-out"),
    vantage="segment, inside",
    sources=["192.0.2.20", "192.0.2.21"],
    targets=[],
    note="One PC goes over the segment and the net outside with 445; after a while a second does the same.",
)
def _(lab):
    lab.file("scan.py", ASYNC)
    yield
    a = lab.tool(
        lab.hosts["pc0"],
        f"{PYTHON} scan.py '[\"192.0.2.%d\"%i for i in range(2,60)]+[\"198.51.100.%d\"%i for i in range(2,60)]' '[445]' 20 0.8 0.05",
        bg=True,
    )
    time.sleep(5)
    lab.tool(lab.hosts["pc1"], f"{PYTHON} scan.py '[\"198.51.100.%d\"%i for i in range(60,120)]' '[445]' 20 0.8 0.05")
    a.wait(20)
    yield
