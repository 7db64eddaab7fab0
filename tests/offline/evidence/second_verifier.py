"""A second verifier: says how far the proof of a case reaches, by docs/case-format.md alone.

It shares no code with obit and uses the standard library only. Ed25519 is RFC 8032, the signatures
are OpenSSH's (PROTOCOL.sshsig). Each line of standard input is a JSON object with `case` and
optionally `signers`, `anchor` and `trust_anchor`; each line of standard output is the answer.
"""

import base64
import functools
import hashlib
import json
import os
import re
import struct
import sys

NAMESPACE = b"obit-case"
TABLES = {
    "raw": ["events", "cgroupfs", "runtime"],
    "derived": ["container_exit", "container_remove", "container_create", "existing_container", "disagreement"],
}


def folder_of(manifest, table):
    """Returns the folder of a table's parts: its own, or in format 1 that of all tables of its kind."""
    kind = next((kind for kind, tables in TABLES.items() if table in tables), None)
    return f"{kind}/{table}" if manifest["format"]["major"] >= 2 else kind


# --- Ed25519 (RFC 8032, section 6) ---
P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(a, b):
    x, y, z, t = a
    u, v, w, s = b
    e, f = (y - x) * (v - u) % P, (y + x) * (v + u) % P
    g, h = 2 * t * s * D % P, 2 * z * w % P
    i, j, k, l = f - e, h - g, h + g, f + e
    return (i * j % P, k * l % P, j * k % P, i * l % P)


def multiply(scalar, point):
    result = (0, 1, 1, 0)
    while scalar > 0:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def decompress(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


BASE = decompress((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


@functools.lru_cache(maxsize=None)  # one signature stands in many forgeries
def holds(public, message, signature):
    point, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or point is None or r is None or s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % Q
    a, b = multiply(s, BASE), add(r, multiply(h, point))
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


# --- OpenSSH's signatures of files ---
def strings(data):
    while data:
        (length,) = struct.unpack_from(">I", data)
        yield data[4 : 4 + length]
        data = data[4 + length :]


def signer(text, message):
    """Returns the public key whose signature over the message this is, or None."""
    try:
        blob = base64.b64decode(text, validate=True)
        if blob[:10] != b"SSHSIG\0\0\0\1":
            return None
        key, namespace, reserved, algorithm, signature = strings(blob[10:])
        kind, public = strings(key)
        signed_kind, value = strings(signature)
        if (kind, signed_kind, namespace) != (b"ssh-ed25519", b"ssh-ed25519", NAMESPACE):
            return None
        digest = {b"sha512": hashlib.sha512, b"sha256": hashlib.sha256}[algorithm](message).digest()
        signed = b"SSHSIG" + b"".join(
            struct.pack(">I", len(field)) + field for field in (namespace, reserved, algorithm, digest)
        )
        return public if holds(public, signed, value) else None
    except (ValueError, KeyError, struct.error):
        return None


def armored_signer(text, message):
    lines = text.strip().splitlines()
    if len(lines) < 3 or lines[0] != "-----BEGIN SSH SIGNATURE-----" or lines[-1] != "-----END SSH SIGNATURE-----":
        return None
    return signer("".join(lines[1:-1]), message)


def read_signers(path):
    keys = set()
    for line in open(path):
        words = line.split()
        if len(words) >= 3 and words[1] == "ssh-ed25519":
            keys.add(list(strings(base64.b64decode(words[2])))[1])
    return keys


# --- the case ---
def sha256(data):
    return hashlib.sha256(data).hexdigest()


def read(path):
    return open(path, "rb").read() if os.path.isfile(path) and not os.path.islink(path) else None


def part_line(case_id, part):
    place = lambda seq: "-" if seq is None else seq
    root = f"{part['root']} " if part.get("root") else ""
    return (
        f"obit-part {2 if root else 1} {case_id} {part.get('previous')} {part['sha256']} {part['bytes']} {part['rows']}"
        f" {place(part['first_seq'])} {place(part['last_seq'])} {root}{part['file']}\n"
    )


def drop_line(case_id, drop):
    words = "segment first_seq last_seq bytes entries sha256".split()
    line = f"{case_id} {drop['previous']} {' '.join(str(drop[word]) for word in words)}"
    kept = drop.get("kept_sha256")
    return f"obit-drop 1 {line}\n" if kept is None else f"obit-drop 2 {line} {kept}\n"


def kept_parts(manifest):
    return (manifest.get("dropped") or {}).get("kept", [])


def kept_digest(kept):
    words = "file sha256 bytes rows first_seq last_seq".split()
    lines = [" ".join("-" if part[word] is None else str(part[word]) for word in words) + "\n" for part in kept]
    return sha256("".join(lines).encode()) if kept else None


class Chain:
    def __init__(self, manifest):
        case_id, parts, drops = manifest["case_id"], manifest["parts"], manifest.get("drops", [])
        dropped = manifest.get("dropped")
        self.base = dropped["entries"] if dropped else 0
        heads, self.holds, self.last_drop = [dropped["sha256"] if dropped else "0" * 64], True, 0
        parts, drops = list(parts), list(drops)
        while parts or drops:
            if drops and (not parts or drops[0]["entry"] <= self.base + len(heads) - 1):
                entry = drops.pop(0)
                line, self.last_drop = drop_line(case_id, entry), self.base + len(heads)
            else:
                entry = parts.pop(0)
                line = part_line(case_id, entry)
            self.holds &= entry.get("previous") == heads[-1]
            heads.append(sha256(line.encode()))
        self.heads, self.end = heads, self.base + len(heads) - 1
        head = manifest.get("head")
        self.holds &= head is not None and (head["parts"], head["sha256"]) == (self.end, heads[-1])
        self.check_dropped(manifest, dropped)
        self.check_places(manifest, dropped)
        self.holds &= re.fullmatch(r"[!-~]+", case_id) is not None

    def check_dropped(self, manifest, dropped):
        last = manifest.get("drops", [])[-1:]
        said = [(drop["entries"], drop["sha256"], drop["last_seq"], drop["segment"], drop.get("kept_sha256")) for drop in last]
        gone = [(dropped["entries"], dropped["sha256"], dropped["last_seq"], max(dropped["segments"] - 1, 0))] if dropped else []
        gone = [(*one, kept_digest(kept_parts(manifest))) for one in gone]
        self.holds &= said == gone

    def check_places(self, manifest, dropped):
        kept = kept_parts(manifest)
        files = [part["file"] for part in manifest["parts"] + kept]
        self.holds &= len(files) == len(set(files))
        for part in manifest["parts"] + kept:
            self.holds &= part["file"] == f"{folder_of(manifest, part['table'])}/{part['table']}-{part['number']:06}.parquet"
            is_gone = bool(dropped) and part["number"] < dropped["next_parts"].get(part["table"], 0)
            self.holds &= is_gone == (part in kept)
        for part in kept:
            last = part["last_seq"]
            self.holds &= part["table"] in TABLES["derived"] and last is not None and last <= dropped["last_seq"]

    def after(self, entries):
        at = entries - self.base
        return self.heads[at] if 0 <= at < len(self.heads) else None


def files_are_listed(case, manifest):
    """Says whether the files are those that case.json and SHA256SUMS list, and no others are there."""
    closed = manifest["state"] == "closed"
    listed = {part["file"]: part for part in manifest["parts"] + kept_parts(manifest)}
    sums = {}
    if closed:
        text = read(os.path.join(case, "SHA256SUMS"))
        if text is None:
            return False
        for line in text.decode().splitlines():
            digest, _, name = line.partition("  ")
            sums[name] = digest
        expected = set(listed) | {"case.json"}
        if os.path.exists(os.path.join(case, "case.json.sig")):
            expected.add("case.json.sig")
        if set(sums) != expected:
            return False
        for name, digest in sums.items():
            data = read(os.path.join(case, name))
            if data is None or sha256(data) != digest:
                return False
    for name, part in listed.items():
        data = read(os.path.join(case, name))
        if data is None or (len(data), sha256(data)) != (part["bytes"], part["sha256"]):
            return False
    root = ["case.json", "case.json.sig", "SHA256SUMS"]
    known = set(root) | {"raw", "derived", "journal"} | (set() if closed else {".reserve"} | {f".{name}.partial" for name in root})
    names = os.listdir(os.fsencode(case))
    if any(os.fsdecode(name) not in known for name in names):
        return False
    folders = {}
    for kind, tables in TABLES.items():
        for table in tables:
            folders.setdefault(folder_of(manifest, table), []).append(table)
        if os.path.islink(os.path.join(case, kind)):
            return False
        names = map(os.fsdecode, os.listdir(os.path.join(os.fsencode(case), kind.encode())))
        if kind not in folders and any(name not in tables for name in names):
            return False
    for folder, tables in folders.items():
        path = os.path.join(case, folder)
        if not os.path.isdir(path) or os.path.islink(path):
            return False
        for name in map(os.fsdecode, os.listdir(os.fsencode(path))):
            shape = r"\.?(%s)-(\d{6}|[1-9]\d{6,9})\.parquet(\.partial)?" % "|".join(tables)
            is_hidden = name.startswith(".") == name.endswith(".partial")
            if f"{folder}/{name}" not in listed and (closed or not is_hidden or not re.fullmatch(shape, name)):
                return False
    journal = os.path.join(case, "journal")
    shape = r"(%s)-(\d{6}|[1-9]\d{6,9})\.arrows" % "|".join(TABLES["raw"] + TABLES["derived"])
    names = os.listdir(journal) if os.path.isdir(journal) else []
    return not any(closed or not re.fullmatch(shape, name) for name in names)


def check_signatures(case, text, manifest, chain, trusted):
    """Returns whether no signature contradicts the case, the entries signed, and whether case.json is."""
    ok, entries, whole = True, 0, False
    closed = manifest["state"] == "closed"
    counts = lambda key: key is not None and (trusted is None or key in trusted)
    has_key = False
    for head in filter(None, (manifest.get("head"), manifest.get("signed_head"))):
        for member, word in (("signature", "obit-head"), ("final_signature", "obit-final")):
            if member not in head:
                continue
            line = f"{word} 1 {manifest['case_id']} {head['parts']} {head['sha256']}\n".encode()
            if not counts(armored_signer(head[member], line)):
                ok = False
                continue
            has_key = True
            if chain.after(head["parts"]) == head["sha256"]:
                entries = max(entries, head["parts"])
            elif head["parts"] >= chain.base:
                ok = False
            if member == "final_signature" and (not closed or head["parts"] < chain.end):
                ok = False
    signature = read(os.path.join(case, "case.json.sig"))
    if closed and signature is not None:
        if counts(armored_signer(signature.decode(), text)):
            has_key, whole, entries = True, True, chain.end
        else:
            ok = False
    return ok, entries, whole, has_key


def check_anchor(path, text, manifest, chain, trusted):
    """Returns whether no line contradicts the case, the entries anchored, and whether case.json is."""
    ok, entries, whole, dropped = True, 0, False, {}
    for line in open(path, errors="replace"):
        at = max(line.rfind("obit-head"), line.rfind("obit-closed"))
        words = line[at:].split() if at >= 0 else []
        if words[1:3] != ["1", manifest["case_id"]]:
            continue
        count = {"obit-head": 5, "obit-closed": 4}.get(words[0], 0)
        statement, rest = words[:count], words[count:]
        whole_words = len(statement) == count and re.fullmatch("[0-9a-f]{64}", statement[-1])
        if not whole_words or (count == 5 and not re.fullmatch("0|[1-9][0-9]*", statement[3])):
            continue  # torn
        if trusted is not None:
            message = f"obit-anchor {' '.join(statement)}\n".encode()
            if not rest or signer(rest[0], message) not in trusted:
                continue
        if count == 4:
            agrees = manifest["state"] == "closed" and sha256(text) == statement[-1]
            ok, whole = ok and agrees, whole or agrees
        elif int(statement[3]) < chain.base:
            dropped.setdefault(statement[3], set()).add(statement[-1])
        elif chain.after(int(statement[3])) == statement[-1]:
            entries = max(entries, int(statement[3]))
        else:
            ok = False
    return ok and all(len(digests) == 1 for digests in dropped.values()), entries, whole


def verify(request):
    case = request["case"]
    text = read(os.path.join(case, "case.json"))
    try:
        manifest = json.loads(text)
        chain = Chain(manifest)
    except (TypeError, ValueError, KeyError, AttributeError):
        return {"readable": False}
    if manifest.get("head") is None:
        return {"readable": False}
    trusted = read_signers(request["signers"]) if "signers" in request else None
    signatures_ok, signed, signed_whole, has_key = check_signatures(case, text, manifest, chain, trusted)
    ok = chain.holds and signatures_ok
    anchored = anchored_whole = None
    if "anchor" in request:
        line_signers = None if request.get("trust_anchor") else trusted
        anchor_ok, anchored, anchored_whole = check_anchor(request["anchor"], text, manifest, chain, line_signers)
        ok &= anchor_ok
    proven = anchored if trusted is None and anchored is not None else max(signed, anchored or 0)
    has_proof = has_key or trusted is not None or anchored is not None
    if manifest.get("dropped") and has_proof and proven < max(chain.last_drop, chain.base, 1):
        ok = False
    return {
        "readable": True,
        "files": bool(files_are_listed(case, manifest)),
        "statements": bool(ok),
        "signed": signed,
        "signed_whole": signed_whole,
        "anchored": anchored,
        "anchored_whole": anchored_whole,
    }


for request in map(json.loads, sys.stdin):
    print(json.dumps(verify(request)))
