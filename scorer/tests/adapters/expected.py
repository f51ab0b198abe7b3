#!/usr/bin/env python3
"""What an adapter should make of the files beside this: an independent reading of the formats, in Python.

    python3 expected.py          compares every folder's expected.csv, and says where it differs
    python3 expected.py --write  writes them

A row an alert, in the order of the file. `class` is what the detector's map concludes: a class, `family:F`, `verdict:V`,
`ignored` or `unmapped`. `source` holds both addresses, with a bar between, where the map says that either may be to blame.
Missing years are those of 2024.
"""
import csv
import gzip
import io
import json
import re
import sys
import tomllib
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path

HERE = Path(__file__).parent
MAPS = HERE.parent.parent / "maps"
COLUMNS = "file line time source target sport dport transport rule class frame".split()
YEAR = 2024


class Map:
    def __init__(self, detector, extra=None):
        # A home-made detector has no map but its own.
        shipped = MAPS / f"{detector}.toml"
        self.rules = tomllib.loads(shipped.read_text())["rule"] if shipped.exists() else []
        self.fields = None
        if extra and extra.exists():
            own = tomllib.loads(extra.read_text())
            self.rules = own.get("rule", []) + self.rules
            self.fields = own.get("fields")

    def conclusion(self, alert):
        for rule in self.rules:
            if fits(rule, alert):
                blames = rule.get("blames", "source")
                if "ignore" in rule:
                    return "ignored", blames
                return rule.get("class") or next(f"{key}:{rule[key]}" for key in ("family", "verdict") if key in rule), blames
        return "unmapped", "source"


def fits(rule, alert):
    def within(value, text):
        low, high = text.split("..") if ".." in text else (text, text)
        return value is not None and int(low) <= value <= int(high)

    words = rule.get("matches", [])
    words = [words] if isinstance(words, str) else words
    categories = rule.get("category", [])
    categories = [categories] if isinstance(categories, str) else categories
    return all((
        "sid" not in rule or alert.get("sid") == rule["sid"],
        "sids" not in rule or within(alert.get("sid"), rule["sids"]),
        "gid" not in rule or alert.get("gid") == rule["gid"],
        "level" not in rule or within(alert.get("level"), str(rule["level"])),
        "log" not in rule or alert.get("log") == rule["log"],
        "name" not in rule or alert.get("name") == rule["name"],
        all(word.lower() in alert.get("text", "").lower() for word in words),
        not categories or (alert.get("category") or "").lower() in [c.lower() for c in categories],
    ))


def address(text):
    if not text:
        return ""
    if isinstance(text, list):
        return "|".join(part if "/" in part else address(part) for part in text)
    found = ip_address(text)
    return str(getattr(found, "ipv4_mapped", None) or found)


def transport(text):
    text = (text or "").lower()
    return {"icmpv6": "icmp", "ipv6-icmp": "icmp", "icmp6": "icmp"}.get(text, text) if text in (
        "tcp", "udp", "icmp", "icmpv6", "ipv6-icmp", "icmp6") else ""


def utc(time):
    return time.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def iso(text):
    return datetime.fromisoformat(re.sub(r"([+-]\d\d)(\d\d)$", r"\1:\2", text.replace("Z", "+00:00")))


def epoch(seconds):
    # Decimal text, so that no binary fraction creeps in.
    whole, _, part = str(seconds).partition(".")
    return datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=int(whole), microseconds=int((part + "000000")[:6]))


def snort_time(text):
    day, clock = text.rsplit("-", 1)
    parts = [int(part) for part in day.split("/")]
    if len(parts) == 2:
        year, month, of = YEAR, *parts
        # A log that runs over New Year: the capture began in the year before.
        year -= 1 if month == 12 and YEAR_BEFORE else 0
    elif parts[2] > 99:
        month, of, year = parts
    elif parts[0] == YEAR % 100:
        year, month, of = parts
    else:
        month, of, year = parts
    year += 2000 if year < 100 else 0
    hour, minute, second = clock.split(":")
    whole, _, part = second.partition(".")
    return datetime(year, month, of, int(hour), int(minute), int(whole), int((part + "000000")[:6]), timezone.utc)


YEAR_BEFORE = True


def suricata(text, _):
    for number, line in enumerate(text.split("\n"), 1):
        try:
            record = json.loads(line)
        except ValueError:
            continue
        if record.get("event_type") != "alert":
            continue
        alert = record["alert"]
        yield number, {
            "time": iso(record["timestamp"]), "source": record.get("src_ip"), "target": record.get("dest_ip"),
            "sport": record.get("src_port", ""), "dport": record.get("dest_port", ""),
            # An ICMP error speaks of the packet that it quotes, whose transport EVE does not name.
            "transport": "" if record.get("icmp_type") in (3, 4, 5, 11, 12) else record.get("proto"),
            "gid": alert["gid"], "sid": alert["signature_id"], "text": alert["signature"], "category": alert.get("category"),
            "level": alert.get("severity"), "rule": f"{alert['gid']}:{alert['signature_id']} {alert['signature']}",
            "frame": record.get("pcap_cnt", ""),
        }


def zeek(text, _):
    fields, path = [], ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            key, _, value = line[1:].partition("\t")
            fields = value.split("\t") if key == "fields" else fields
            path = value if key == "path" else path
            continue
        if line.startswith("{"):
            try:
                record = json.loads(line, parse_float=str)
            except ValueError:
                continue
            log = record.get("_path") or ("notice" if "note" in record else "weird")
        else:
            cells = line.split("\t")
            if len(cells) != len(fields):
                continue
            record = {key: re.sub(r"\\x([0-9a-f]{2})", lambda m: chr(int(m[1], 16)), cell)
                      for key, cell in zip(fields, cells) if cell != "-"}
            log = path
        stamp = str(record["ts"])
        time = iso(stamp) if "T" in stamp else epoch(stamp)
        name = record["note"] if log == "notice" else record["name"]
        connection = "id.orig_h" in record
        source, target = record.get("src") or record.get("id.orig_h"), record.get("dst") or record.get("id.resp_h")
        # Port 0 of a flow without a connection is no port.
        ports = connection and record.get("uid")
        yield number, {
            "time": time, "source": source, "target": target, "log": log, "name": name,
            "sport": record.get("id.orig_p", "") if ports else "",
            "dport": record.get("id.resp_p", "") if ports else record.get("p", ""),
            "transport": record.get("proto") or ({"TCP": "tcp", "UDP": "udp"}.get(record.get("source"))),
            "text": f"{name} {record.get('msg', '')}", "rule": name, "frame": "",
        }


def snort_record(record):
    for end, side in (("src", "source"), ("dst", "target")):
        both = record.get(f"{end}_ap")
        if both:
            record[f"{end}_addr"], _, port = both.rpartition(":")
            record.setdefault(f"{end}_port", int(port))
    if record.get("rule"):
        record["gid"], record["sid"], record["rev"] = (int(part) for part in record["rule"].split(":"))
    message = record.get("msg", "")
    ports = transport(record.get("proto")) in ("tcp", "udp")
    return {
        "time": epoch(record["seconds"]) if "seconds" in record else snort_time(record["timestamp"]),
        "source": record.get("src_addr"), "target": record.get("dst_addr"),
        "sport": record.get("src_port", "") if ports else "", "dport": record.get("dst_port", "") if ports else "",
        "transport": record.get("proto"), "gid": int(record["gid"]), "sid": int(record["sid"]), "text": message,
        "category": record.get("class"), "level": int(record["priority"]) if "priority" in record else None,
        "rule": f"{record['gid']}:{record['sid']} {message}".strip(), "frame": record.get("pkt_num", ""),
    }


def snort_json(text, _):
    for number, line in enumerate(text.split("\n"), 1):
        try:
            yield number, snort_record(json.loads(line))
        except ValueError:
            continue


def snort_csv(text, fields):
    default = "timestamp pkt_num proto pkt_gen pkt_len dir src_ap dst_ap rule action"
    for number, line in enumerate(text.split("\n"), 1):
        cells = next(csv.reader([line], skipinitialspace=True), [])
        for names in (fields, default):
            if names and len(cells) == len(names.split()):
                record = {key: cell for key, cell in zip(names.split(), cells) if cell}
                yield number, snort_record(record)
                break


FAST = re.compile(
    r"^(?P<time>[\d/]+-[\d:.]+|\w{3} [ \d]\d [\d:]+ \S+ snort(\[\d+\])?:) +(\[\*\*\] )?\[(?P<gid>\d+):(?P<sid>\d+):\d+\] (?P<text>.*?)"
    r"( \[\*\*\])? ?(\[Classification: (?P<category>[^]]*)\] )?\[Priority: (?P<level>\d+)\]:? \{(?P<proto>[^}]*)\} "
    r"(?P<source>\S+) -> (?P<target>\S+)$")


def snort_fast(text, _):
    for number, line in enumerate(text.split("\n"), 1):
        found = FAST.match(line)
        if not found:
            continue
        part = found.groupdict()
        time = snort_time(part["time"]) if "/" in part["time"] else syslog_time(part["time"])
        ends = {}
        for side, port in (("source", "sport"), ("target", "dport")):
            ends[side], ends[port] = part[side], ""
            if transport(part["proto"]) in ("tcp", "udp"):
                ends[side], _, ends[port] = part[side].rpartition(":")
        yield number, {
            "time": time, **ends, "transport": part["proto"], "gid": int(part["gid"]), "sid": int(part["sid"]),
            "text": part["text"], "category": part["category"], "level": int(part["level"]),
            "rule": f"{part['gid']}:{part['sid']} {part['text']}", "frame": "",
        }


def syslog_time(text):
    return datetime.strptime(f"{YEAR} {text[:15]}", "%Y %b %d %H:%M:%S").replace(tzinfo=timezone.utc)


PSAD = re.compile(
    r"^(?P<time>\S+T\S+|\w{3} [ \d]\d [\d:]{8}) \S+ psad(\[\d+\])?: "
    r"(scan detected( \((?P<style>[^)]*)\):)? (?P<source>\S+) -> (?P<target>\S+) (?P<rest>.*DL: (?P<level>\d).*)"
    r"|src: (?P<src>\S+) signature match: \"(?P<signature>[^\"]*)\" \(sid: (?P<sid>\d+)\) (?P<proto>\w+)( port: (?P<port>\d+))?.*)$")


def psad(text, _):
    for number, line in enumerate(text.split("\n"), 1):
        found = PSAD.match(line)
        if not found:
            continue
        part = found.groupdict()
        time = iso(part["time"]) if "T" in part["time"] else syslog_time(part["time"])
        if part["signature"]:
            yield number, {
                "time": time, "source": part["src"], "target": "", "sport": "", "dport": part["port"] or "",
                "transport": part["proto"], "sid": int(part["sid"]), "text": part["signature"],
                "rule": f"{part['sid']} {part['signature']}", "frame": "",
            }
        else:
            name = f"scan detected ({part['style']})" if part["style"] is not None else "scan detected"
            kinds = re.findall(r"(tcp|udp|icmp) pkts:", part["rest"])
            range_ = re.search(r"(?:tcp|udp): \[(\d+(?:-\d+)?)\]", part["rest"])
            yield number, {
                "time": time, "source": part["source"], "target": part["target"], "sport": "",
                "dport": range_[1] if range_ and len(kinds) == 1 else "", "transport": kinds[0] if len(kinds) == 1 else "",
                "level": int(part["level"]), "name": name, "text": name, "rule": name, "frame": "",
            }


def plain(text, _):
    """CSV with a header, or JSON lines: the form for detectors of one's own."""
    text = text.removeprefix("\ufeff")
    if text.lstrip().startswith("{"):
        records = []
        for number, line in enumerate(text.split("\n"), 1):
            try:
                records.append((number, json.loads(line, parse_float=str)))
            except ValueError:
                continue
    else:
        head = text.split("\n", 1)[0]
        lines = text.replace("\r\n", "\n").split("\n")
        rows = csv.DictReader(lines, delimiter=";" if ";" in head and "," not in head else ",")
        records = [(number, row) for number, row in enumerate(rows, 2)]
    for number, record in records:
        record = {key: value for key, value in record.items() if value not in (None, "")}
        stamp = str(record["time"])
        stamp = iso(stamp).replace(tzinfo=iso(stamp).tzinfo or timezone.utc) if "-" in stamp[1:] else epoch(stamp)
        sides = {}
        for side in ("source", "target"):
            value = record.get(side, "")
            sides[side] = value if isinstance(value, list) else [part for part in value.split(";") if part]
        yield number, {
            "time": stamp, **sides, "sport": record.get("sport", ""), "dport": record.get("dport", ""),
            "transport": record.get("transport"), "rule": record.get("rule") or record.get("class") or record.get("verdict") or "",
            "name": record.get("rule"), "text": record.get("rule", ""), "frame": record.get("frame", ""),
            "said": record.get("class") or (f"verdict:{record['verdict']}" if "verdict" in record else None),
        }


FORMATS = {
    "csv": ("csv", plain),
    "suricata": ("suricata", suricata), "zeek": ("zeek", zeek), "snort3-json": ("snort", snort_json),
    "snort3-csv": ("snort", snort_csv), "snort2-fast": ("snort", snort_fast), "psad": ("psad", psad),
}


def expected(folder):
    detector, read = FORMATS[folder.name]
    map_ = Map(detector, folder / "map.toml")
    out = io.StringIO()
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(COLUMNS)
    for file in sorted(folder.iterdir()):
        if file.name in ("README.md", "expected.csv", "map.toml") or file.suffix == ".bad":
            continue
        data = file.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
        fields = map_.fields if file.name.startswith("fields") else None
        for number, alert in read(text, fields):
            conclusion, blames = map_.conclusion(alert)
            # What a file says of itself goes before the map.
            conclusion = alert.get("said") or conclusion
            source, target = address(alert["source"]), address(alert["target"])
            sport, dport = alert["sport"], alert["dport"]
            if blames == "target":
                source, target, sport, dport = target, source, dport, sport
            elif blames == "either":
                source, target, sport, dport = f"{source}|{target}", "", "", ""
            rows.writerow([file.name, number, utc(alert["time"]), source, target, sport, dport,
                           transport(alert["transport"]), alert["rule"], conclusion, alert["frame"]])
    return out.getvalue()


failed = 0
for name in FORMATS:
    path = HERE / name / "expected.csv"
    made = expected(HERE / name)
    if "--write" in sys.argv:
        path.write_text(made)
    elif not path.exists() or path.read_text() != made:
        print(f"{name}/expected.csv differs")
        failed = 1
sys.exit(failed)
