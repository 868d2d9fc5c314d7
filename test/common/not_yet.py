"""not_yet.txt: the tests that naru does not pass yet. They run all the same, and one that passes fails the run: its line
has to go."""
import fnmatch

import pytest


def mark(items, file, short):
    """`short(node id)` is how the file names a test; a line is a pattern as in a shell, and the reason."""
    lines = (line.strip() for line in file.read_text().splitlines())
    listed = [tuple(line.split(None, 1)) for line in lines if line and not line.startswith("#")]
    for item in items:
        node = short(item.nodeid)
        for pattern, reason in listed:
            if fnmatch.fnmatchcase(node, pattern.replace("[", "[[]")):
                item.add_marker(pytest.mark.xfail(reason=f"not yet: {reason}", strict=True))
                break
