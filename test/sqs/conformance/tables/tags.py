"""Tags."""
from answers import value_error
from rows import Row


def tags(expected, *after, note=""):
    return Row("ListQueueTags", {"QueueUrl": "$new"}, {"Tags": expected} if expected else {}, after=after, note=note)


def tag(**made):
    return ("TagQueue", {"QueueUrl": "$new", "Tags": made})


def untag(*keys):
    return ("UntagQueue", {"QueueUrl": "$new", "TagKeys": list(keys)})


def rows():
    yield tags({}, note="none")
    yield Row("ListQueueTags", {"QueueUrl": "$tagged"}, {"Tags": {"team": "a", "Team": "b"}})
    for made in ({"a": "b"}, {"a": ""}, {"a": "b", "c": "d"}, {"k" * 128: "v" * 256}, {"naru:lease": "connection"}, {"ä": "日本"},
                 {"a b": " c "}, {f"k{n}": str(n) for n in range(50)}):
        yield Row("TagQueue", {"QueueUrl": "$new", "Tags": made}, {}, note=f"{len(made)}_{min(made)[:10]}")
        yield tags(made, tag(**made), note=f"{len(made)}_{min(made)[:10]}")
    yield tags({"a": "2", "b": "1"}, tag(a="1", b="1"), tag(a="2"), note="overwritten")
    yield tags({"b": "1"}, tag(a="1", b="1"), untag("a"), note="one_taken_off")
    yield tags({"b": "1"}, tag(a="1", b="1"), untag("a", "nothing"), note="one_not_there")
    yield tags({}, tag(a="1"), untag("a"), note="all_taken_off")
    yield tags({"A": "1"}, tag(a="1", A="1"), untag("a"), note="letter_case")
    yield Row("UntagQueue", {"QueueUrl": "$new", "TagKeys": ["nothing"]}, {})
    yield Row("TagQueue", {"QueueUrl": "$new", "Tags": {f"k{n}": "" for n in range(51)}}, value_error("Too many tags added for queue $new_name."))
    yield Row("TagQueue", {"QueueUrl": "$new", "Tags": {"more": ""}}, value_error("Too many tags added for queue $new_name."),
              after=[tag(**{f"k{n}": "" for n in range(50)})], note="the_51st")


ROWS = list(rows())
