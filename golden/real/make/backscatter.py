"""What reaches a site whose addresses somebody else forges."""
import time

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
