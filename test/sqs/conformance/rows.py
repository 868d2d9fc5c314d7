"""What a row is, and words for the most frequent ones."""
from answers import Result


class Row:
    """One request and its whole answer. `only` names a protocol that alone can say it; `after` are actions done before."""

    def __init__(self, action, parameters, expected, only=None, after=(), note=""):
        self.action, self.parameters = action, parameters
        self.expected = Result(expected) if isinstance(expected, dict) else expected
        self.only, self.after, self.note = only, after, note

    def for_json(self):
        """The Query protocol cannot say it."""
        self.only = "json"
        return self

    @property
    def id(self):
        def short(value):
            text = repr(value)
            return text if len(text) <= 40 else text[:30] + f"..{len(text)}"
        said = ",".join(f"{key}={short(value)}" for key, value in self.parameters.items() if value != "$std")
        expected = getattr(self.expected, "code", "200").removeprefix("AWS.SimpleQueueService.")
        text = f"{self.note or said}-{expected}"
        return f"{self.action}-" + "".join(c if c.isascii() and c.isprintable() and c not in "[]:/\\ " else "_" for c in text)[:110]


def entries(*made, queue="$std"):
    return {"QueueUrl": queue, "Entries": list(made)}


def attribute(value, kind="String", field="StringValue"):
    return {"DataType": kind, field: value}
