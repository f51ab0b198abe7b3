"""A large estate at work: collectors, orchestration, brokers, databases, logs."""

import time

import services
from kit import PYTHON, addresses, calm, echo, many, note, run
from services import ssh_command

from logins import postgres

POLL = """
import asyncio,sys,time
hosts,port,gap,wait,rounds,say=sys.argv[1].split(","),int(sys.argv[2]),float(sys.argv[3]),float(sys.argv[4]),int(sys.argv[5]),sys.argv[6].encode().decode("unicode_escape").encode()
async def one(h):
    try:
        r,w=await asyncio.wait_for(asyncio.open_connection(h,port),wait)
        w.write(say); await asyncio.wait_for(r.read(4000),wait); w.close()
    except Exception: pass
async def loop(h,i):
    await asyncio.sleep(i*gap/len(hosts))
    for _ in range(rounds):
        t=time.time(); await one(h); await asyncio.sleep(max(0,gap-(time.time()-t)))
async def main(): await asyncio.gather(*[loop(h,i) for i,h in enumerate(hosts)])
asyncio.run(main())
"""


@calm(
    "collector-40-hosts",
    "python",
    "monitoring-poll",
    "A collector reads forty exporters every four seconds; five hosts are off, three refuse.",
    vantage="segment, inside",
)
def _(lab):
    mon = lab.host("mon", "in", 60)
    h = many(lab, "in", range(160, 195))
    many(lab, "in", range(195, 198), "r")
    echo(lab, h, addresses(range(160, 195)), [9100])
    yield
    run(
        lab,
        mon,
        "poll.py",
        POLL,
        ",".join(addresses(range(160, 203))),
        9100,
        4,
        2,
        4,
        "'GET /metrics HTTP/1.1\\r\\n\\r\\n'",
    )
    yield


@calm(
    "monitor-nine-services",
    "python",
    "monitoring-poll",
    "A monitor asks nine services on each of ten hosts, half of which do not run there; three rounds.",
    vantage="segment, inside",
)
def _(lab):
    h = many(lab, "in", range(160, 168))
    echo(lab, h, addresses(range(160, 168)), [22, 80, 5432, 9100])
    m = lab.host("mon", "in", 60)
    yield
    lab.file("poll.py", POLL)
    for r in range(3):
        ps = [
            lab.spawn(m, [PYTHON, "poll.py", ",".join(addresses(range(160, 170))), str(p), "2", "1", "1", ""])
            for p in (22, 25, 80, 443, 3306, 5432, 8080, 9090, 9100)
        ]
        for p in ps:
            p.wait(20)
    note(lab, "poll.py: ten hosts, nine ports, three rounds")
    yield


@calm(
    "probes-of-forty-pods",
    "python",
    "monitoring-poll",
    "A node probes forty pods each second; six crash and come back.",
    vantage="segment, inside",
)
def _(lab):
    node = lab.host("node", "in", 60)
    h = many(lab, "in", range(160, 194))
    c = many(lab, "in", range(194, 200), "c")
    echo(lab, h, addresses(range(160, 194)), [8080])
    e = echo(lab, c, addresses(range(194, 200)), [8080])
    yield
    lab.file("poll.py", POLL)
    p = lab.spawn(
        node,
        [
            PYTHON,
            "poll.py",
            ",".join(addresses(range(160, 200))),
            "8080",
            "2",
            "1",
            "6",
            "GET /healthz HTTP/1.1\\r\\n\\r\\n",
        ],
    )
    time.sleep(4)
    e.terminate()
    time.sleep(4)
    echo(lab, c, addresses(range(194, 200)), [8080])
    p.wait(30)
    note(lab, "GET /healthz to forty pods every two seconds")
    yield


@calm(
    "gossip-three-killed",
    "python",
    "peer-discovery",
    "Twelve agents gossip by UDP and TCP 7946; three are stopped at once.",
    vantage="segment, inside",
)
def _(lab):
    ps = []
    hs = [lab.host(f"g{i}", "in", 160 + i) for i in range(12)]
    yield
    for i, h in enumerate(hs):
        ps.append(
            lab.spawn(
                h, ["serf", "agent", f"-node=g{i}", f"-bind={h.ip}:7946", *([] if i == 0 else ["-join=192.0.2.160"])]
            )
        )
        time.sleep(0.3)
    time.sleep(5)
    for i in (3, 5, 7):
        ps[i].kill()
    note(lab, "serf agent (twelve, three killed)")
    time.sleep(9)
    yield


@calm(
    "broker-restart",
    "python",
    "retry-to-dead-host",
    "Thirty clients of a broker that restarts: all call again at once, refused for six seconds.",
)
def _(lab):
    b = lab.host("broker", "in", 63)
    conf = lab.file("mq.conf", "listener 1883\nallow_anonymous true\n")
    p = lab.spawn(b, ["mosquitto", "-c", conf])
    services.ready(b, 1883)
    cs = many(lab, "out", range(120, 150))
    yield
    for i in range(120, 150):
        lab.spawn(cs, ["mosquitto_sub", "-h", "192.0.2.63", "-A", f"198.51.100.{i}", "-t", "a/#", "-k", "5"])
    time.sleep(4)
    p.kill()
    time.sleep(6)
    lab.spawn(b, ["mosquitto", "-c", conf])
    time.sleep(6)
    note(lab, "mosquitto_sub (thirty), broker killed and started again")
    yield


@calm(
    "database-restart",
    "python",
    "session",
    "pgbench with eight connections; the server stops and comes back, clients call and are refused.",
    bg=("dns-out", "web-in"),
)
def _(lab):
    d = lab.host("db", "in", 64)
    postgres(lab, d)
    c = lab.host("app", "out", 120)
    yield
    lab.run(
        c,
        "PGPASSWORD=geheim psql -h 192.0.2.64 -U postgres -c 'create table if not exists t(i int); insert into t values (1)'",
    )
    lab.file("q.sql", "select * from t;\n")
    lab.tool(c, "PGPASSWORD=geheim pgbench -h 192.0.2.64 -U postgres -n -f q.sql -c 8 -T 2 -R 40 -C postgres", 20)
    for pid in lab.run(d, "cat pg/postmaster.pid | head -1").split():
        lab.run(d, f"kill -INT {pid}")
    time.sleep(1)
    for _ in range(15):
        lab.run(c, "PGPASSWORD=geheim psql -h 192.0.2.64 -U postgres -c 'select 1'")
        time.sleep(0.2)
    lab.spawn(d, ["sh", "pgrun.sh"])
    time.sleep(2)
    lab.tool(c, "PGPASSWORD=geheim pgbench -h 192.0.2.64 -U postgres -n -f q.sql -c 8 -T 1 -R 40 postgres", 20)
    yield


@calm(
    "flow-export",
    "python",
    "session",
    "Routers export flows by UDP to a collector that does not answer; bursts.",
    vantage="segment, inside",
)
def _(lab):
    g = many(lab, "in", range(160, 166))
    lab.spawn(
        lab.host("col", "in", 72),
        [PYTHON, "-c", "import socket;s=socket.socket(2,2);s.bind(('0.0.0.0',2055))\nwhile 1:s.recv(2000)"],
    )
    time.sleep(0.5)
    yield
    run(
        lab,
        g,
        "t.py",
        (
            "import socket,time,random\n"
            "S=[]\n"
            "for i in range(160,166):\n"
            " s=socket.socket(2,2); s.bind(('192.0.2.%d'%i,0)); S.append(s)\n"
            "for n in range(40):\n"
            " for s in S:\n"
            "  for k in range(random.randint(1,4)): s.sendto(b'\\0\\x09'+b'f'*200,('192.0.2.72',2055))\n"
            " time.sleep(0.2)\n"
        ),
    )
    yield


@calm(
    "log-server-dead",
    "python",
    "session",
    "Twenty hosts log to a server by UDP; it stops and answers port unreachable.",
    vantage="segment, inside",
)
def _(lab):
    s = lab.host("log", "in", 70)
    g = many(lab, "in", range(160, 180))
    lab.file(
        "l.py",
        (
            "import socket\n"
            "s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('0.0.0.0',514))\n"
            "while 1: s.recv(999)\n"
        ),
    )
    p = lab.spawn(s, [PYTHON, "l.py"])
    time.sleep(0.4)
    yield
    lab.file(
        "g.py",
        (
            "import socket,random,time\n"
            "S=[]\n"
            "for i in range(160,180):\n"
            " s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(('192.0.2.%d'%i,514)); S.append(s)\n"
            "for n in range(400):\n"
            " try: random.choice(S).sendto(b'<13>app[1]: line',('192.0.2.70',514))\n"
            " except OSError: pass\n"
            " time.sleep(0.02)\n"
        ),
    )
    q = lab.tool(g, f"{PYTHON} g.py", bg=True)
    time.sleep(4)
    p.kill()
    q.wait(20)
    yield


@calm(
    "backup-32-clients",
    "rsync",
    "session",
    "A backup server calls thirty-two clients one after the other, seven are off.",
    vantage="router, inside",
)
def _(lab):
    h = many(lab, "out", range(120, 145))
    echo(lab, h, addresses(range(120, 145), "198.51.100."), [9102])
    b = lab.host("bak", "in", 62)
    yield
    run(
        lab,
        b,
        "poll.py",
        POLL,
        ",".join(addresses(range(120, 152), "198.51.100.")),
        9102,
        12,
        2,
        1,
        "'Hello Director bak-dir calling\\n'",
    )
    yield


@calm(
    "ssh-to-thirty",
    "ssh",
    "ssh",
    "An administrator's playbook: thirty servers by SSH, five at a time, three of them off.",
    vantage="segment, inside",
)
def _(lab):
    h = many(lab, "in", range(160, 187))
    services.ssh(h)
    adm = lab.host("adm", "in", 61)
    yield
    note(lab, "seq 160 189 | xargs -P 5 ssh root@192.0.2.N uptime")
    lab.file("s.sh", "#!/bin/sh\n" + ssh_command("192.0.2.$1", "uptime", options="-o ConnectTimeout=3") + "\n", 0o755)
    lab.tool(adm, "seq 160 189 | xargs -P 5 -n 1 sh s.sh", 90)
    yield
