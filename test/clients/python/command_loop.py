"""The Python programs' half of the protocol that ../driver.py describes."""
import logging
import os
import select
import sys

NULL = "\\N"

logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
logging.captureWarnings(True)
for stream in (sys.stdin, sys.stdout):
    stream.reconfigure(encoding="utf-8", newline="\n")


def decode_input(line):
    partition, timestamp, key, headers, value = line.rstrip("\n").split("\t")
    return (int(partition), int(timestamp), None if key == NULL else key.encode(),
            [(name, value.encode()) for name, value in (h.split("=", 1) for h in headers.split("&") if h)],
            None if value == NULL else value.encode())


def encode(partition, offset, timestamp, key, headers, value):
    text = "&".join(f"{name}={content.decode()}" for name, content in headers or [])
    return "\t".join((str(partition), str(offset), str(timestamp), NULL if key is None else key.decode(),
                      text, NULL if value is None else value.decode()))


def say(*lines):
    sys.stdout.write("".join(line + "\n" for line in lines))
    sys.stdout.flush()


def stdin_closed():
    """Members stop when their stdin ends; nothing else ever arrives there."""
    return bool(select.select([sys.stdin], [], [], 0)[0]) and os.read(sys.stdin.fileno(), 1) == b""


def serve(commands, error_name):
    """commands: name -> function(words) that yields answer lines. `produce` also gets the records."""
    while line := sys.stdin.readline():
        name, *words = line.rstrip("\n").split("\t")
        if name == "produce":
            words.append([decode_input(sys.stdin.readline()) for _ in range(int(words.pop()))])
        try:
            say(*commands[name](*words), ".")
        except Exception as error:  # pylint: disable=broad-except  (becomes the answer)
            say("!\t{}\t{}".format(error_name(error), str(error).replace("\n", " ").replace("\t", " ")))
