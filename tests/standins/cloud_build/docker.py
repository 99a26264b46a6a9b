#!/usr/bin/env python3
"""A stand-in for the docker command of Cloud Build's builder.

It checks what a build would take, and pushes an image without files. It runs no RUN: it proves that
a recipe's commands, names and order are right, and nothing about what is in an image, which `make
image` does. The folder DOCKER_STANDIN_STORE keeps what was built; a push goes to the registry at
REGISTRY_EMULATOR_HOST, a URL.
"""

import argparse
import hashlib
import json
import os
import re
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urljoin

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
REVISION = "org.opencontainers.image.revision"


def main(arguments: list[str]) -> None:
    options = parser().parse_args(arguments)
    build(options) if options.verb == "build" else push(options.name)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="docker (a stand-in)", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", allow_abbrev=False)
    build.add_argument("--file", default="Dockerfile")
    build.add_argument("--target", required=True)
    build.add_argument("--build-arg", action="append", default=[])
    build.add_argument("--tag", action="append", default=[])
    build.add_argument("context", type=Path)
    verbs.add_parser("push", allow_abbrev=False).add_argument("name")
    return top


def build(options: argparse.Namespace) -> None:
    if not Path(options.file).is_file():
        fail(f"there is no {options.file}")
    if not options.context.is_dir():
        fail(f"there is no folder {options.context} to build from")
    text = Path(options.file).read_text().replace("\\\n", " ")
    if "RUN --mount" in text and os.environ.get("DOCKER_BUILDKIT") != "1":
        fail(f"{options.file} mounts, which takes BuildKit: DOCKER_BUILDKIT=1 is not set")
    stages = {
        m["name"]: m["all"]
        for m in re.finditer(
            r"^(?P<all>FROM \S+ AS (?P<name>\S+)\n(?:(?!FROM ).*\n?)*)", text, re.MULTILINE
        )
    }
    if options.target not in stages:
        fail(f"{options.file} has no target {options.target}, allowed are {', '.join(stages)}")
    values = dict(argument.partition("=")[::2] for argument in options.build_arg)
    if undeclared := sorted(set(values) - set(re.findall(r"^ARG (\w+)", text, re.MULTILINE))):
        fail(f"{options.file} declares no ARG {undeclared[0]}")
    for source in (
        source for stage in chain(stages, options.target) for source in copied(stages[stage])
    ):
        if not list(options.context.glob(source)):
            fail(f"{options.target} copies {source}, which is not there")
    image = {
        "target": options.target,
        "commit": values.get("COMMIT", "unknown"),
        "tree": tree(options.context),
    }
    for tag in options.tag:
        kept(tag).write_text(json.dumps(image))
    print(f"built {options.target} of {image['commit']} (a stand-in: nothing was run)")


def chain(stages: dict[str, str], target: str) -> list[str]:
    """The target and every stage below it, by FROM or by COPY."""
    needed, waiting = [], [target]
    while waiting:
        if (stage := waiting.pop()) in stages and stage not in needed:
            needed.append(stage)
            waiting += re.findall(r"^(?:FROM |COPY --from=)(\S+)", stages[stage], re.MULTILINE)
    return needed


def copied(stage: str) -> list[str]:
    return [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", stage, re.MULTILINE)
        for source in line.split()[:-1]
    ]


def tree(folder: Path) -> str:
    """The hash of every file's path and content, as they are."""
    digest = hashlib.sha256()
    for file in sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not {".git", "__pycache__"} & set(path.parts)
    ):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder)}\0{content}\n".encode())
    return digest.hexdigest()


def kept(name: str) -> Path:
    store = Path(os.environ["DOCKER_STANDIN_STORE"])
    store.mkdir(parents=True, exist_ok=True)
    return store / f"{quote(name, safe='')}.json"


def push(name: str) -> None:
    if not kept(name).exists():
        fail(f"an image with the tag {name} was never built")
    image = json.loads(kept(name).read_text())
    path, _, tag = name.partition("/")[2].rpartition(":")
    registry = f"{os.environ['REGISTRY_EMULATOR_HOST'].rstrip('/')}/v2/{path}"
    layer = blob(
        registry,
        "application/vnd.oci.image.layer.v1.tar",
        f"{image['target']} {image['tree']}".encode(),
    )
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {REVISION: image["commit"]}},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": blob(
            registry, "application/vnd.oci.image.config.v1+json", json.dumps(config).encode()
        ),
        "layers": [layer],
    }
    content = json.dumps(manifest).encode()
    ask("PUT", f"{registry}/manifests/{tag}", content, MANIFEST)
    print(f"pushed {name}, sha256:{hashlib.sha256(content).hexdigest()} (a stand-in)")


def blob(registry: str, kind: str, content: bytes) -> dict[str, object]:
    """Sends it; returns its descriptor."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    begun = f"{registry}/blobs/uploads/"
    place = urljoin(begun, ask("POST", begun, b"", "application/octet-stream"))
    ask(
        "PUT",
        f"{place}{'&' if '?' in place else '?'}digest={quote(digest)}",
        content,
        "application/octet-stream",
    )
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def ask(method: str, url: str, content: bytes, kind: str) -> str:
    """The location in the registry's answer, if any."""
    try:
        with urllib.request.urlopen(
            urllib.request.Request(url, content, {"Content-Type": kind}, method=method), timeout=60
        ) as answer:
            return str(answer.headers.get("Location") or "")
    except urllib.error.HTTPError as error:
        fail(
            f"the registry answers {error.code} to {method} {url}: "
            f"{error.read().decode(errors='replace')[:500]}"
        )
    except OSError as error:
        fail(f"the registry at {url} does not answer: {error}")


def fail(sentence: str) -> NoReturn:
    print(f"docker (a stand-in): {sentence}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
