"""Medians, ratios and the tables that show them."""

import statistics


def figure(value):
    if value == 0:
        return "0"
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def spread(values):
    """Median, and the least and the greatest of the rounds."""
    if not values:
        return "–"
    if len(values) == 1:
        return figure(values[0])
    return f"{figure(statistics.median(values))} ({figure(min(values))}–{figure(max(values))})"


def ratios(ours, theirs):
    """Round by round, because the two of one round shared the machine's mood."""
    return [a / b for a, b in zip(ours, theirs) if b]


def column(rounds, contender, case, *path):
    """One figure of one case, over the rounds."""
    values = []
    for one in rounds:
        value = one.get(contender, {}).get(case)
        for key in path:
            value = value.get(key) if value else None
        if value is not None:
            values.append(value)
    return values


def markdown(header, rows):
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]

    def line(cells):
        return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths)) + " |"

    return "\n".join([line(header), "|" + "|".join("-" * (width + 2) for width in widths) + "|", *map(line, rows)])
