#!/usr/bin/env python3
"""A learned detector in little: logistic regression over what a source did in 30 seconds. Standard library only.

    model.py train CAPTURE...      learns weights.json from captures with their truth beside them
    model.py detect CAPTURE OUT    writes time,source,target,verdict,score,frame

    crywolf grade --from csv --threshold 0.5 --detector 'python3 examples/model/model.py detect {capture} {out}'

It writes every window that scores over 0.01; the threshold is the grader's, and so are the curves.
"""
import csv
import ipaddress
import json
import math
import struct
import sys
from collections import Counter
from pathlib import Path

WEIGHTS = Path(__file__).with_name("weights.json")
WINDOW = 30
NAMES = ["bias", "targets", "ports", "packets", "unanswered", "refused", "no payload"]


def packets(path):
    with open(path, "rb") as file:
        order = "<" if file.read(24)[0] in b"\xd4\x4d" else ">"
        number = 0
        while len(head := file.read(16)) == 16:
            seconds, part, length, _ = struct.unpack(order + "4I", head)
            data, number = file.read(length), number + 1
            ip = data[14:]
            if data[12:14] != b"\x08\x00" or len(ip) < 20 or ip[0] >> 4 != 4:
                continue
            proto, size = ip[9], int.from_bytes(ip[2:4], "big")
            l4 = ip[(ip[0] & 15) * 4 :]
            sport, dport = struct.unpack("!HH", l4[:4]) if proto in (6, 17) and len(l4) >= 4 else (0, 0)
            flags = l4[13] if proto == 6 and len(l4) > 13 else 0
            empty = proto == 6 and len(l4) > 12 and size - (ip[0] & 15) * 4 - (l4[12] >> 4) * 4 <= 0
            ends = (str(ipaddress.ip_address(ip[12:16])), sport, str(ipaddress.ip_address(ip[16:20])), dport)
            yield number, seconds + part / 1e6, proto, ends, flags, empty


def windows(path):
    """For each source and half minute: its features, first and last frame, last time, favourite target."""
    asked, found = {}, {}
    for number, time, proto, (source, sport, target, dport), flags, empty in packets(path):
        back = (proto, target, dport, source, sport)
        if back in asked:
            window = asked[back]
            window["answered"].add((source, sport, dport))
            window["refused"] += bool(flags & 4)
            continue
        window = found.setdefault((source, int(time // WINDOW)), {
            "targets": Counter(), "asked": set(), "ports": set(), "answered": set(), "refused": 0, "empty": 0, "frames": []})
        asked[proto, source, sport, target, dport] = window
        window["targets"][target] += 1
        window["asked"].add((target, dport, sport))
        window["ports"].add(dport)
        window["empty"] += empty
        window["frames"].append(number)
        window["last"] = time
    for (source, _), window in found.items():
        asked_for, count = len(window["asked"]), len(window["frames"])
        features = [
            1.0, math.log2(len(window["targets"])), math.log2(len(window["ports"])), math.log2(count),
            1 - len(window["answered"]) / asked_for, min(1, window["refused"] / asked_for), window["empty"] / count,
        ]
        yield source, features, window


def score(weights, features):
    total = sum(weight * feature for weight, feature in zip(weights, features))
    return 1 / (1 + math.exp(-max(-30, min(30, total))))


def train(paths):
    examples = []
    for path in paths:
        truth = json.loads(Path(path).with_suffix(".truth.json").read_text())
        hostile = {event["id"] for event in truth["events"] if event["expect"] == "alert"}
        events = [event for event, count in truth["frames"] for _ in range(count)]
        kinds = {True: [], False: []}
        for _, features, window in windows(path):
            kinds[any(events[frame - 1] in hostile for frame in window["frames"])].append(features)
        for label, those in kinds.items():
            # A flood has thousands of sources, all alike: thirty speak for them.
            examples += [(features, label) for features in those[:: len(those) // 30 + 1]]
    weights = [0.0] * len(NAMES)
    positive = sum(label for _, label in examples) or 1
    for _ in range(500):
        slope = [0.001 * weight for weight in weights]
        for features, label in examples:
            # Hostile windows are few: both kinds weigh the same.
            error = (score(weights, features) - label) / (positive if label else len(examples) - positive or 1)
            slope = [s + error * feature for s, feature in zip(slope, features)]
        weights = [weight - 1.0 * s for weight, s in zip(weights, slope)]
    WEIGHTS.write_text(json.dumps(dict(zip(NAMES, (round(weight, 3) for weight in weights))), indent=2) + "\n")
    print(f"{len(examples)} windows, {positive} of them hostile")


def detect(path, out):
    weights = list(json.loads(WEIGHTS.read_text()).values())
    with open(out, "w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["time", "source", "target", "verdict", "score", "frame"])
        for source, features, window in windows(path):
            likely = score(weights, features)
            if likely >= 0.01:
                target = window["targets"].most_common(1)[0][0]
                rows.writerow([f"{window['last']:.6f}", source, target, "reconnaissance", f"{likely:.4f}", window["frames"][-1]])


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["train", *captures] if captures:
            train(captures)
        case ["detect", capture, out]:
            detect(capture, out)
        case _:
            sys.exit(__doc__)
