"""What the images are made of: locked packages, linted files, and nothing that only lies beside the code."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.servers import images
from tests.servers.service import ROOT

IMAGES = ("service", "training")
SCRIPTS = sorted(
    path.relative_to(ROOT) for place in (".ci", "docker", "k8s", "tests") for path in (ROOT / place).rglob("*")
    if path.is_file() and path.read_bytes()[:32].startswith((b"#!/usr/bin/env bash", b"#!/bin/sh", b"#!/bin/bash"))
)  # fmt: skip


def entries(file: str) -> dict[str, str]:
    """What is locked, each with its hashes, by name, version and condition."""
    text = "".join(line for line in Path(ROOT, file).read_text().splitlines(keepends=True) if line[0] != "#")
    found = re.split(r"^(?=\w)", text, flags=re.MULTILINE)[1:]
    return {entry.partition(" \\\n")[0]: entry.strip() for entry in found}


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[^\w.-]", requirement)[0] for requirement in requirements}


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_s_packages_are_of_the_one_lock_with_its_hashes(image: str) -> None:
    """`make lock` writes them."""
    locked, whole = entries(f"docker/{image}-requirements.txt"), entries("requirements.txt")
    assert len(locked) > 10
    assert [name for name, entry in locked.items() if whole.get(name) != entry or "--hash=sha256:" not in entry] == []


@pytest.mark.parametrize("image", IMAGES)
def test_an_image_has_all_that_its_rooms_declare_and_none_of_the_others(image: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    rooms = [image, *({"campaigns"} & set(extras) if image == "training" else ())]
    wanted = names(project["dependencies"]) | {name for room in rooms for name in names(extras[room])}
    locked = {name.split("==")[0] for name in entries(f"docker/{image}-requirements.txt")}
    assert wanted <= locked
    assert not locked & {"pytest", "ruff", "moto"}
    assert image == "training" or not locked & {"scikit-learn", "pandas", "pyarrow", "ibis-framework", "scipy"}


def test_dockerfiles_are_clean() -> None:
    run("hadolint", *(f"docker/{image}.Dockerfile" for image in IMAGES))


def test_shell_scripts_are_clean() -> None:
    assert {Path(".ci/run"), Path("docker/build.sh"), Path("tests/servers/oci-base.sh")} <= set(SCRIPTS)
    run("shellcheck", *map(str, SCRIPTS))


def run(program: str, *arguments: str) -> None:
    """One of the programs that are installed beside this Python."""
    found = shutil.which(program, path=str(Path(sys.executable).parent))
    assert found, f"{program} is in the lock and not installed: `make setup`"
    done = subprocess.run([found, *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("image", IMAGES)
def test_the_base_is_one_tag_that_a_digest_can_take_the_place_of(image: str) -> None:
    text = (ROOT / f"docker/{image}.Dockerfile").read_text()
    assert f"ARG BASE={images.BASE}\n" in text
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${BASE}"}
    assert f"base=${{BASE:-{images.BASE}}}" in (ROOT / "docker/build.sh").read_text()


def test_ci_installs_what_builds_and_runs_images() -> None:
    makefile = (ROOT / "Makefile").read_text()
    programs = re.search(r"CI_PROGRAMS := (.*?)\nCI_PACKAGES", makefile, re.DOTALL)
    assert programs
    assert set(images.PROGRAMS) <= set(programs[1].split())


def test_only_code_is_sent_to_a_build() -> None:
    """A key or a table that lies in the folder must never be in an image."""
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and line[0] != "#"]
    assert lines[0] == "*"
    allowed = {line[1:] for line in lines if line[0] == "!"}
    assert allowed == {
        "LICENSE",
        "segmentation",
        "service",
        "training",
        "campaigns",
        "docker",
        "docker/*-requirements.txt",
    }
    assert {"docker/*", "**/__pycache__", "**/*.key"} <= set(lines)
