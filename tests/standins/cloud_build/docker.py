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
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote, urljoin

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"
BYTES = "application/octet-stream"
REVISION = "org.opencontainers.image.revision"
STAGE = re.compile(r"^(?P<all>FROM \S+ AS (?P<name>\S+)\n(?:(?!FROM ).*\n?)*)", re.MULTILINE)
FOREIGN = {".git", "__pycache__"}  # folders that are no part of a context


def main(arguments: list[str]) -> None:
    options = parser().parse_args(arguments)
    if options.verb == "build":
        build(options)
    else:
        push(options.name)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="docker (a stand-in)", allow_abbrev=False)
    verbs = top.add_subparsers(dest="verb", required=True)
    build = verbs.add_parser("build", allow_abbrev=False)
    build.add_argument("--file", default="Dockerfile")
    build.add_argument("--target", required=True)
    build.add_argument("--build-arg", action="append", default=[])
    build.add_argument("--tag", action="append", default=[])
    build.add_argument("context", type=Path)
    push = verbs.add_parser("push", allow_abbrev=False)
    push.add_argument("name")
    return top


def build(options: argparse.Namespace) -> None:
    text = dockerfile(options)
    values = build_arguments(options, text)
    check_sources(options, text)
    commit = values.get("COMMIT", "unknown")
    image = {"target": options.target, "commit": commit, "tree": tree(options.context)}
    description = json.dumps(image)
    for tag in options.tag:
        description_file(tag).write_text(description)
    print(f"built {options.target} of {commit} (a stand-in: nothing was run)")


def dockerfile(options: argparse.Namespace) -> str:
    """The Dockerfile's text with its continued lines joined, where it has the target."""
    file = Path(options.file)
    if not file.is_file():
        fail(f"there is no {options.file}")
    if not options.context.is_dir():
        fail(f"there is no folder {options.context} to build from")
    text = file.read_text(encoding="utf-8").replace("\\\n", " ")
    buildkit = os.environ.get("DOCKER_BUILDKIT")
    if "RUN --mount" in text and buildkit != "1":
        fail(f"{options.file} mounts, which takes BuildKit: DOCKER_BUILDKIT=1 is not set")
    stages = bodies(text)
    if options.target not in stages:
        fail(f"{options.file} has no target {options.target}, allowed are {', '.join(stages)}")
    return text


def build_arguments(options: argparse.Namespace, text: str) -> dict[str, str]:
    """The values of --build-arg, each declared in the Dockerfile."""
    values = {}
    for argument in options.build_arg:
        name, _, value = argument.partition("=")
        values[name] = value
    declared = re.findall(r"^ARG (\w+)", text, re.MULTILINE)
    for name in sorted(values):
        if name not in declared:
            fail(f"{options.file} declares no ARG {name}")
    return values


def check_sources(options: argparse.Namespace, text: str) -> None:
    """Fail if the target, or a stage below it, copies a path missing from the context."""
    stages = bodies(text)
    for stage in chain(stages, options.target):
        for source in copied(stages[stage]):
            files = list(options.context.glob(source))
            if not files:
                fail(f"{options.target} copies {source}, which is not there")


def bodies(text: str) -> dict[str, str]:
    """The text of each stage of a Dockerfile, by its name."""
    return {match["name"]: match["all"] for match in STAGE.finditer(text)}


def chain(stages: dict[str, str], target: str) -> list[str]:
    """The target and every stage below it, by FROM or by COPY."""
    needed = []
    waiting = [target]
    while waiting:
        stage = waiting.pop()
        if stage in stages and stage not in needed:
            needed.append(stage)
            waiting += re.findall(r"^(?:FROM |COPY --from=)(\S+)", stages[stage], re.MULTILINE)
    return needed


def copied(stage: str) -> Iterator[str]:
    for line in re.findall(r"^COPY (?!--from)(.*)$", stage, re.MULTILINE):
        *sources, _ = line.split()
        yield from sources


def tree(folder: Path) -> str:
    """The hash of every file's path and content, as they are."""
    digest = hashlib.sha256()
    paths = sorted(folder.rglob("*"))
    for path in paths:
        if path.is_file() and FOREIGN.isdisjoint(path.parts):
            content = sha256(path.read_bytes())
            line = f"{path.relative_to(folder)}\0{content}\n"
            digest.update(line.encode())
    return digest.hexdigest()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def description_file(name: str) -> Path:
    """The file with the description of the image tagged `name`."""
    store = Path(os.environ["DOCKER_STANDIN_STORE"])
    store.mkdir(parents=True, exist_ok=True)
    return store / f"{quote(name, safe='')}.json"


def push(name: str) -> None:
    file = description_file(name)
    if not file.exists():
        fail(f"an image with the tag {name} was never built")
    image = json.loads(file.read_text())
    _, _, reference = name.partition("/")
    path, _, tag = reference.rpartition(":")
    host = os.environ["REGISTRY_EMULATOR_HOST"].rstrip("/")
    registry = f"{host}/v2/{path}"
    content = json.dumps(manifest_of(image, registry)).encode()
    ask("PUT", f"{registry}/manifests/{tag}", content, MANIFEST)
    print(f"pushed {name}, sha256:{sha256(content)} (a stand-in)")


def manifest_of(image: dict[str, str], registry: str) -> dict[str, object]:
    """Send an image's layer and configuration, and return its manifest."""
    files = f"{image['target']} {image['tree']}"
    layer = blob(registry, LAYER, files.encode())
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Labels": {REVISION: image["commit"]}},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    }
    content = json.dumps(config).encode()
    descriptor = blob(registry, CONFIG, content)
    return {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": descriptor,
        "layers": [layer],
    }


def blob(registry: str, kind: str, content: bytes) -> dict[str, object]:
    """Send a blob; return its descriptor."""
    digest = f"sha256:{sha256(content)}"
    uploads = f"{registry}/blobs/uploads/"
    location = ask("POST", uploads, b"", BYTES)
    place = urljoin(uploads, location)
    separator = "&" if "?" in place else "?"
    ask("PUT", f"{place}{separator}digest={quote(digest)}", content, BYTES)
    return {"mediaType": kind, "digest": digest, "size": len(content)}


def ask(method: str, url: str, content: bytes, kind: str) -> str:
    """The location in the registry's answer, if any."""
    headers = {"Content-Type": kind}
    request = urllib.request.Request(url, content, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            location = answer.headers.get("Location")
            return str(location or "")
    except urllib.error.HTTPError as error:
        message = error.read().decode(errors="replace")
        fail(f"the registry answers {error.code} to {method} {url}: {message[:500]}")
    except OSError as error:
        fail(f"the registry at {url} does not answer: {error}")


def fail(sentence: str) -> NoReturn:
    print(f"docker (a stand-in): {sentence}", file=sys.stderr)
    raise SystemExit(1)


if __name__ == "__main__":
    main(sys.argv[1:])
