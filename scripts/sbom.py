#!/usr/bin/env python3
"""Prints the software bill of materials of both programs: CycloneDX 1.6, from Cargo.lock.

Usage: scripts/sbom.py [TARGET]

Lists every package whose code is in one of the programs, with its licence, its digest on crates.io
and what it depends on. Packages that only tests or the build use are left out. The same commit gives
the same text.
"""

import json
import os
import re
import subprocess
import sys
import uuid

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def metadata(target):
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    return json.loads(subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout)


def shipped(found):
    """Returns the ids of the packages that the programs are made of, with their dependencies."""
    nodes = {node["id"]: node for node in found["resolve"]["nodes"]}
    reached, waiting = {}, [found["resolve"]["root"]]
    while waiting:
        package = waiting.pop()
        if package in reached:
            continue
        # A kind of null is that of a normal dependency; the others are `dev` and `build`.
        needed = [
            dependency["pkg"]
            for dependency in nodes[package]["deps"]
            if any(kind["kind"] is None for kind in dependency["dep_kinds"])
        ]
        reached[package] = sorted(set(needed))
        waiting.extend(needed)
    return reached


def component(package, digests):
    name, version = package["name"], package["version"]
    described = {
        "type": "library",
        "bom-ref": f"pkg:cargo/{name}@{version}",
        "name": name,
        "version": version,
        "purl": f"pkg:cargo/{name}@{version}",
    }
    if package["license"]:
        # The old spelling of OR.
        described["licenses"] = [{"expression": package["license"].replace("/", " OR ")}]
    digest = digests.get((name, version))
    if digest:
        described["hashes"] = [{"alg": "SHA-256", "content": digest}]
    return described


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else f"{os.uname().machine}-unknown-linux-gnu"
    found = metadata(target)
    with open(os.path.join(ROOT, "Cargo.lock"), encoding="utf-8") as lock:
        packages = [dict(re.findall(r'^(\w+) = "(.*)"$', text, re.M)) for text in lock.read().split("[[package]]")[1:]]
    digests = {(package["name"], package["version"]): package.get("checksum") for package in packages}
    by_id = {package["id"]: package for package in found["packages"]}
    reached = shipped(found)
    described = {package: component(by_id[package], digests) for package in reached}
    program = described.pop(found["resolve"]["root"])
    program["type"] = "application"
    reference = lambda package: (program if package == found["resolve"]["root"] else described[package])["bom-ref"]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": program,
            "properties": [{"name": "cargo:target", "value": target}],
        },
        "components": sorted(described.values(), key=lambda one: one["bom-ref"]),
        "dependencies": sorted(
            ({"ref": reference(package), "dependsOn": [reference(one) for one in needed]}
             for package, needed in reached.items()),
            key=lambda one: one["ref"],
        ),
    }
    text = json.dumps(bill, sort_keys=True)
    bill["serialNumber"] = uuid.uuid5(uuid.NAMESPACE_URL, text).urn
    json.dump(bill, sys.stdout, indent=1, sort_keys=True)
    print()


main()
