"""Kinds of cases, from which the lists of cases are made, and what their bodies do again and again."""
import sys
import time

import services
from lab import IN4, case
from services import background, office

PYTHON = sys.executable
# Programs that make packets begin with the first, those that send through the kernel with the second.
SCAPY = "from scapy.all import *\nconf.verb=0\nimport time,random\n"
SENDER = SCAPY + "s=conf.L3socket()\n"
# All of the office.
ALL = ("www", "mail", "pcs", "clients", "site", "resolver")
BORDER = """table inet border { chain forward { type filter hook forward priority 0; policy accept;
 iifname "wan0" tcp dport { 135, 139, 445, 1433, 3389 } drop
 iifname "wan0" udp dport { 135, 1900 } drop
 iifname "wan0" tcp dport { 111, 2049, 3306, 5432 } reject with icmpx type admin-prohibited } }
"""
VANTAGES = {"router, inside": (None, None), "router, outside": ("rt", "wan0"), "segment, inside": ("lan", None),
            "segment, outside": ("outlan", None)}


def start(lab, vantage, attacker=None, expression=None):
    if vantage in VANTAGES:
        where, dev = VANTAGES[vantage]
        return lab.record(lab.rt if where == "rt" else where, dev, expression)
    return lab.record(lab.hosts[vantage.split(",")[-1].strip().split()[-1]] if vantage.split()[-1] in lab.hosts else attacker, "eth0", expression)


def probe(name, tool, commands, klass, *, attacker=7, side="out", targets=(), bg=("web-in", "dns-out"), need=ALL,
          vantage="router, inside", seen=None, most=None, note="", expect="alert", timeout=150, before=1.0, after=1.0, prepare=None, lab=None, border=True,
          sources=None, pause=1.9, forged=(), extra=(), knobs=None, expression=None, guilty6=False):
    """One tool, run by one host, beside the conversations of others. `commands` run one after the other."""
    prefix = ("2001:db8:1::" if side == "out" else "2001:db8:2::") if guilty6 else ("198.51.100." if side == "out" else "192.0.2.")
    guilty = [f"{prefix}{attacker}"] if sources is None else sources
    if expect in ("silence", "explain") and sources is None:
        guilty = []

    @case(name, tool, expect, klass, guilty, targets, note, vantage, lab, seen, most, forged)
    def body(lab):
        office(lab, *need)
        if border:
            lab.filter(BORDER)
        eve = lab.host("eve", side, attacker, extra=extra, knobs=knobs)
        if prepare:
            prepare(lab)
        start(lab, vantage, eve, expression)
        background(lab, *bg, pause=pause)
        time.sleep(before)
        for command in [commands] if isinstance(commands, str) else commands:
            lab.tool(eve, command, timeout)
        time.sleep(after)
        lab.quiet()
    return body


def guess(name, tool, commands, target, *, passwords, users, prepare=None, attacker=90, timeout=60, **more):
    """Passwords of `p.txt` tried with users of `u.txt`."""
    def files(lab):
        lab.file("p.txt", passwords)
        lab.file("u.txt", users)
        if prepare:
            prepare(lab)

    targets = target if isinstance(target, list) else [target]
    return probe(name, tool, commands, "password-guessing", attacker=attacker, targets=targets, timeout=timeout, border=False, prepare=files, **more)


def play(name, tool, expect, klass, *, need=(), bg=(), vantage="router, inside", sources=(), targets=(), seen=None, most=None, note="", lab=None,
         border=True, pause=1.9, forged=(), who=None):
    """A case with a body of its own: the office is there and recorded while the body runs."""
    def register(function):
        @case(name, tool, expect, klass, sources, targets, note, vantage, lab, seen, most, forged)
        def body(lab):
            office(lab, *need)
            if border:
                lab.filter(BORDER)
            stages = function(lab)
            first = next(stages, None)          # up to the first yield: preparation, before the recording
            start(lab, vantage, lab.hosts.get(who) if who else first)
            background(lab, *bg, pause=pause)
            for _ in stages:                    # the rest: what is recorded
                pass
            lab.quiet()
        return function
    return register


def calm(name, tool, klass, text, *, need=("pcs", "clients", "www", "site", "resolver"), bg=("dns-out",), expect="silence", **more):
    """A case in which nobody does any harm."""
    return play(name, tool, expect, klass, need=need, bg=bg, note=text, border=False, **more)


def many(lab, side, numbers, prefix="h"):
    """Hosts that share a namespace: addresses of one."""
    numbers = list(numbers)
    return lab.host(f"{prefix}{numbers[0]}", side, numbers[0], extra=tuple(numbers[1:]))


def addresses(numbers, net=IN4):
    """The addresses of those numbers, inside where nothing else is said."""
    return [f"{net}{number}" for number in numbers]


def note(lab, what):
    """What a program did, among the commands of the case."""
    lab.commands.append(what)


def run(lab, host, name, text, *args, t=60):
    """Runs a Python program of the case's own."""
    lab.file(name, text)
    return lab.tool(host, f"{PYTHON} {name} " + " ".join(map(str, args)), t)


ECHO = '''
import asyncio,sys
async def h(r,w):
    try:
        while True:
            d=await r.read(2000)
            if not d: break
            w.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok" if d[:4]==b"GET " else b"ok:"+d[:200]); await w.drain()
    except Exception: pass
    finally: w.close()
async def main():
    for a in sys.argv[1].split(","):
        for p in map(int,sys.argv[2].split(",")): await asyncio.start_server(h,a,p,reuse_address=True,backlog=200)
    await asyncio.sleep(1000)
asyncio.run(main())
'''


def echo(lab, host, addresses, ports):
    """A service of a few words at each address and port."""
    lab.file("echo.py", ECHO)
    served = lab.spawn(host, [PYTHON, "echo.py", ",".join(addresses), ",".join(map(str, ports))])
    services.ready(host, ports[-1])
    return served
