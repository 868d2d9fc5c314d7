"""Records as text lines, the form in which tests and client programs exchange them."""
from typing import NamedTuple, Optional

NULL = "\\N"
BASE_TIME = 1_700_000_000_000


class Record(NamedTuple):
    partition: int
    offset: int
    timestamp: int
    key: Optional[str]
    headers: tuple
    value: Optional[str]

    def content(self):
        return self.key, self.headers, self.value


def some_records(count, label, partitions=3):
    """Keyed records of many sizes. The partition is named, as clients differ in how they hash keys."""
    return [Record(partition=i * 7 % partitions, offset=-1, timestamp=BASE_TIME + i * 10,
                   key=f"key-{i % 101}", headers=(("n", str(i)), ("läbel", label)),
                   value=f"{label} {i} " + "漢字 and ascii " * (i % 23))
            for i in range(count)]


def to_line(record):
    headers = "&".join(f"{name}={value}" for name, value in record.headers)
    fields = (str(record.partition), str(record.timestamp),
              NULL if record.key is None else record.key, headers,
              NULL if record.value is None else record.value)
    return "\t".join(fields)


def from_line(line):
    partition, offset, timestamp, key, headers, value = line.split("\t")
    return Record(int(partition), int(offset), int(timestamp), None if key == NULL else key,
                  tuple(tuple(h.split("=", 1)) for h in headers.split("&") if h),
                  None if value == NULL else value)
