#!/usr/bin/env python3
"""clang-tidy over the sources of src/, as ./dev check runs it: lint.py BUILD_DIR [FILTER]

What was clean stays clean until it, something it includes or .clang-tidy changes: an empty file in BUILD_DIR/lint/ per
source says so by its age. BUILD_DIR has been built, so that ninja knows what each source includes.
"""
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

root = Path(__file__).resolve().parent.parent
NOT_LINTED = ("_test.cc", "_fuzz.cc", "_bench.cc")
NOISE = ("warnings generated", "warning generated", "warnings treated", "Suppressed ", "Use -header-filter")


def sources(pattern):
    files = subprocess.run(["git", "ls-files", "src/*.cc"], cwd=root, capture_output=True, text=True, check=True).stdout
    return [f for f in files.splitlines() if not f.endswith(NOT_LINTED) and pattern in f]


def included(build):
    """source -> all files that its object was made from"""
    out = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    made = {}
    for block in out.split("\n\n"):
        name, *files = block.splitlines() or [""]
        if of := re.search(r"\.dir/(src/\S+)\.o:", name):
            made[of[1]] = [build / f.strip() for f in files]
    return made


def is_clean(stamp, files):
    if not stamp.exists():
        return False
    since = stamp.stat().st_mtime
    return all(f.exists() and f.stat().st_mtime < since for f in files)


def lint(build, source, stamp):
    tidy = subprocess.run(["clang-tidy-19", "-p", build, "--quiet", "--warnings-as-errors=*", source], cwd=root,
                          capture_output=True, text=True, check=False)
    if tidy.returncode == 0:
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.touch()
        return ""
    lines = (tidy.stdout + tidy.stderr).splitlines()
    return "\n".join(line for line in lines if not any(noise in line for noise in NOISE)) or f"{source}: clang-tidy failed"


def main():
    build, pattern = Path(sys.argv[1]).resolve(), sys.argv[2] if len(sys.argv) > 2 else ""
    made = included(build)
    todo = []
    for source in sources(pattern):
        stamp = build / "lint" / (source + ".clean")
        files = made.get(source)
        if files is None or not is_clean(stamp, [*files, root / ".clang-tidy"]):
            todo.append((source, stamp))
    done = failed = 0
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for found in pool.map(lambda job: lint(build, *job), todo):
            done += 1
            if found:
                failed += 1
                print(found, flush=True)
            if sys.stderr.isatty() or done % 25 == 0:
                print(f"   {done} of {len(todo)} linted", end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
