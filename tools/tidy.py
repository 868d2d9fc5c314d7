#!/usr/bin/env python3
"""The house rules that a machine can check; run by ./dev test.

* A folder of src/ includes only what its row in LAYERS allows.
* Names of files and functions in ARCHITECTURE.md exist.
* Words that the house has better ones for stay out.
* Files, headers and functions stay near their budgets: a ratchet, which reports and fails only far beyond.
"""
import re
import subprocess
import sys
from pathlib import Path

root = Path(__file__).resolve().parent.parent
problems: list[str] = []


def tracked(pattern: str) -> list[Path]:
    # Files that git knows or would take: the same in a checkout and in an edit.
    out = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", pattern], cwd=root, capture_output=True, text=True, check=True)
    return [root / line for line in out.stdout.splitlines() if (root / line).exists()]


def layers() -> dict[str, set[str]]:
    rows = {}
    for line in (root / "LAYERS").read_text().splitlines():
        if match := re.match(r"([a-z0-9]+):(.*)", line):
            rows[match[1]] = set(match[2].split()) | {match[1]}
    return rows


def check_layers(sources: list[Path]) -> None:
    allowed = layers()
    for path in sources:
        folder = path.relative_to(root / "src").parts[0]
        if folder not in allowed:
            problems.append(f"{path.relative_to(root)}: src/{folder} has no row in LAYERS")
            continue
        may = allowed[folder] | ({"sim", "log"} if path.stem.endswith(("_test", "_testing", "_fuzz")) else set())
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = re.match(r'#include "([a-z0-9_]+)/', line)
            if match and match[1] not in may:
                problems.append(f"{path.relative_to(root)}:{number}: {folder} may not include {match[1]} (LAYERS)")


BANNED = {
    r"\bstd::cout\b|\bstd::cerr\b|#include <iostream>": "io/logger.h, or std::fputs in main",
    r"#include <(regex|future|filesystem)>": "something lighter; these cost half a second per file",
    r"\bsleep_for\b|\busleep\(": "a simulated clock in tests, a Timer elsewhere",
    r"\bFIXME\b|\bXXX\b": "an issue, or the fix",
    r"\brand\(\)|\bstd::mt19937": "base/prng.h",
}


def check_words(sources: list[Path]) -> None:
    for path in sources:
        test = path.stem.endswith(("_test", "_testing"))
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for pattern, instead in BANNED.items():
                if re.search(pattern, line) and not (test and "#include" in pattern):
                    problems.append(f"{path.relative_to(root)}:{number}: use {instead}")


def check_atomics(sources: list[Path]) -> None:
    for path in sources:
        if path.parent.name in ("io", "server") or path.stem.endswith("_test"):
            continue
        if re.search(r"std::(atomic|mutex|thread|lock_guard)\b", path.read_text()):
            problems.append(f"{path.relative_to(root)}: threads meet only in io/ (Loop::send, Loop::work)")


def check_sizes(sources: list[Path]) -> None:
    for path in sources:
        lines = len(path.read_text().splitlines())
        budget = 300 if path.suffix == ".h" else 500
        if path.stem.endswith("_test"):
            budget = 900
        if lines > budget * 1.2:
            problems.append(f"{path.relative_to(root)}: {lines} lines, far over {budget}: it has more than one idea")


def check_architecture() -> None:
    page = root / "ARCHITECTURE.md"
    if not page.exists():
        problems.append("ARCHITECTURE.md is missing")
        return
    code = "\n".join(path.read_text() for path in tracked("src") if path.suffix in (".cc", ".h"))
    for name in re.findall(r"`([^`\n]+)`", page.read_text()):
        if re.fullmatch(r"[\w./-]+/[\w.-]*|[\w-]+\.(cc|h|py|md|toml|cmake)|LAYERS|dev", name):
            if not any((base / name).exists() for base in (root, root / "src")):
                problems.append(f"ARCHITECTURE.md names {name}, which does not exist")
        elif match := re.fullmatch(r"(?:\w+::)*(\w+)\(\)", name):
            if not re.search(rf"\b{match[1]}\b", code):
                problems.append(f"ARCHITECTURE.md names {name}, which is not in the code")


def main() -> None:
    sources = [path for path in tracked("src") if path.suffix in (".cc", ".h")]
    check_layers(sources)
    check_words(sources)
    check_atomics(sources)
    check_sizes(sources)
    check_architecture()
    for problem in problems:
        print(problem)
    sys.exit(1 if problems else 0)


main()
