"""Figures that come one by one, each with a unit and perhaps a goal, and the table of them."""

import sys

from .table import figure, markdown


def measure(broker, options, parts):
    """{line: (value, unit, goal, note)}; a part that fails says so and the others go on."""
    lines = {}
    for part in parts:
        try:
            for name, value, unit, goal, note in part(broker, options):
                lines[name] = (value, unit, goal, note)
                print(f"{broker.label}: {name}: {figure(value)} {unit} {note}", file=sys.stderr, flush=True)
        except (RuntimeError, OSError) as error:
            lines[f"{part.__name__} (failed)"] = (None, "", None, str(error).splitlines()[0])
            print(f"{broker.label}: {part.__name__} failed: {error}", file=sys.stderr, flush=True)
        finally:
            broker.remove()
    return lines


def cell(line):
    if line is None:
        return "–"
    value, unit, _goal, note = line
    text = f"{figure(value)} {unit}".strip() if value is not None else ""
    return f"{text} ({note})" if note and text else text or note


def report(results):
    ours = results.get("naru", {})
    names = list(dict.fromkeys(name for lines in results.values() for name in lines))
    rows = []
    for name in names:
        line = ours.get(name)
        goal = met = ""
        if line is not None and line[2] is not None:
            goal = f"{line[2]} {line[1]}".strip()
            met = "met" if line[0] <= line[2] else "MISSED"
        rows.append([name, goal, *(cell(lines.get(name)) for lines in results.values()), met])
    return markdown(["", "goal", *results, ""], rows)


def any_failed(results):
    return any(line[0] is None for lines in results.values() for line in lines.values())
