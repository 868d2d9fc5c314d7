"""naru check DIR as a person runs it: what it prints, its exit code, and that it changes nothing."""
import os
import re
import time

import pytest

import wire
from naru import run

BATCHES = 20  # per partition and run of the broker


def fill(naru):
    with wire.Connection(naru.address) as c:
        for partition in range(2):
            for i in range(BATCHES):
                batch = wire.simple_batch(f"{i}".ljust(400, "."), time=int(time.time() * 1000))
                assert c.produce("checked", batch, partition)[0] == 0


@pytest.fixture
def folder(make_naru):
    """Two runs of the broker: one in segments and checkpoint, the other still in the journal, as after kill -9."""
    naru = make_naru("--shards", "1").start()
    with wire.Connection(naru.address) as c:
        assert c.create_topic("checked", 2) == 0
    fill(naru)
    naru.stop()
    naru.start()
    fill(naru)
    naru.kill()
    return naru.data


def picture(folder):
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def checked(folder):
    """(exit code, [(file, byte or None, what)] of the damages, the last line); nothing in the folder has changed."""
    before = picture(folder)
    code, out, err = run("check", folder)
    assert picture(folder) == before
    assert err == ""
    *findings, last = out.splitlines()
    damages = []
    for line in findings:
        found = re.fullmatch(r"(damage|note): (\S+?)(?: at byte (\d+))?: (.+)", line)
        assert found, line
        if found[1] == "damage":
            damages.append((found[2], found[3] and int(found[3]), found[4]))
    assert f"{len(damages)} damages" in last
    return code, damages, last


def flip(path, at):
    with open(path, "r+b") as file:
        file.seek(at)
        byte, = file.read(1)
        file.seek(at)
        file.write(bytes([byte ^ 0x40]))


def segments(folder):
    return sorted((folder / "segments").iterdir())


def newest(folder, suffix):
    return max(p for p in (folder / "journal").iterdir() if p.suffix == suffix)


def starts(make_naru, folder):
    naru = make_naru("--shards", "1", data=folder)
    try:
        return naru.start().is_up()
    except AssertionError:
        return False


def test_whole_folder(folder):
    code, damages, last = checked(folder)
    assert (code, damages) == (0, [])
    assert re.fullmatch(r"whole: 2 logs, 2 segments, 80 batches, 80 records, \d+ bytes; \d+ journal entries to replay; "
                        r"0 damages, 0 notes", last), last


def test_after_a_clean_end_nothing_is_to_replay(folder, make_naru):
    make_naru("--shards", "1", data=folder).start().stop()
    code, damages, last = checked(folder)
    assert (code, damages) == (0, []) and " 0 journal entries to replay" in last


def test_nothing_to_check(tmp_path, naru):
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("x")
    for path, said in ((tmp_path / "absent", "No such file or directory"), (tmp_path / "file", "Not a directory"),
                       (tmp_path / "empty", "no naru data"), (naru.data, "another naru is running")):
        code, out, err = run("check", path)
        assert (code, out) == (2, "") and str(path) in err and said in err, (code, out, err)
    assert list((tmp_path / "empty").iterdir()) == []


@pytest.mark.parametrize("batch, byte", [(0, 17), (0, 100), (7, 30), (7, 200), (BATCHES - 1, -1)])
def test_flipped_byte_in_a_segment(folder, batch, byte):
    path = segments(folder)[1]
    size = path.stat().st_size // (2 * BATCHES)
    flip(path, batch * size + byte % size)
    code, damages, last = checked(folder)
    assert code == 1 and last.startswith("damaged: ")
    (file, at, what), = damages
    assert (file, at) == (f"segments/{path.name}", batch * size)
    assert f"offsets {batch} to {batch}" in what and "checksum" in what


def test_offset_of_a_batch_is_outside_of_its_checksum(folder):
    path = segments(folder)[0]
    size = path.stat().st_size // (2 * BATCHES)
    flip(path, 3 * size + 7)
    code, damages, _ = checked(folder)
    assert code == 1
    assert {file for file, _, _ in damages} == {f"segments/{path.name}"}
    assert damages[0][1] == 3 * size and "3 is next" in damages[0][2]


def test_segment_cut_short(folder, make_naru):
    make_naru("--shards", "1", data=folder).start().stop()  # so that no journal can bring the end back
    path = segments(folder)[0]
    os.truncate(path, path.stat().st_size - 100)
    code, damages, _ = checked(folder)
    assert code == 1
    assert any(file == f"segments/{path.name}" and "cut short: 100 bytes" in what for file, _, what in damages), damages


def test_missing_segment(folder):
    path = segments(folder)[1]
    path.unlink()
    code, damages, _ = checked(folder)
    assert code == 1
    assert [file for file, _, _ in damages] == [f"segments/{path.name}"] and "missing" in damages[0][2]


def test_flipped_byte_in_the_journal(folder, make_naru):
    path = newest(folder, "")
    used = len(path.read_bytes().rstrip(b"\0"))
    before = path.read_bytes()
    for at in (0, 40, used // 3, used // 2):
        flip(path, at)
        code, damages, _ = checked(folder)
        assert code == 1, f"byte {at}"
        (file, where, what), = damages
        assert file == f"journal/{path.name}" and "damaged" in what and "does not start" in what
        assert (where or 0) <= at < (where or 0) + 8192, f"byte {at} is damaged, byte {where} is named"
        path.write_bytes(before)
    flip(path, used // 2)
    assert not starts(make_naru, folder)  # as it says
    path.write_bytes(before)
    assert starts(make_naru, folder)


def test_torn_end_of_the_journal_is_no_damage(folder):
    path = newest(folder, "")
    flip(path, len(path.read_bytes().rstrip(b"\0")) - 2)
    code, damages, last = checked(folder)
    assert (code, damages) == (0, []) and last.startswith("whole")


@pytest.mark.parametrize("file", ["checkpoint", "MANIFEST"])
def test_flipped_byte_in_what_holds_all_together(folder, make_naru, file):
    path = folder / file if file == "MANIFEST" else newest(folder, ".checkpoint")
    before = path.read_bytes()
    for at in (0, len(before) // 2, len(before) - 1):
        flip(path, at)
        code, damages, last = checked(folder)
        assert code == 1 and last.startswith("damaged: ")
        assert damages[0][0] == str(path.relative_to(folder)) and "does not start" in damages[0][2]
        path.write_bytes(before)
    flip(path, len(before) // 2)
    assert not starts(make_naru, folder)
    path.write_bytes(before)
    assert checked(folder)[:2] == (0, [])
    assert starts(make_naru, folder)


def test_file_that_is_not_narus_is_a_note(folder):
    (folder / "segments" / "notes.txt").write_text("mine")
    code, damages, last = checked(folder)
    assert (code, damages) == (0, []) and "1 notes" in last
