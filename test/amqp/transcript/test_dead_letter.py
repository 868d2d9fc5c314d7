"""Dead letters: where they go, and what x-death says about it."""
import time

import pytest
from broker import wait_until
from wire import show


@pytest.fixture
def dead(channel, q, x):
    """A queue behind a dead letter exchange."""
    channel.exchange(x, "fanout")
    channel.declare(q + ".dead")
    channel.bind(q + ".dead", x)
    return q + ".dead"


def letter(channel, queue):
    return wait_until(lambda: channel.get(queue), f"a message in {queue}")


def death(message):
    """x-death with its kinds; the time checked and taken out."""
    deaths = message.headers["x-death"]
    for entry in deaths:
        assert abs(entry["time"] - time.time()) < 60 and entry["time"].kind == "T"
    return [show({k: v for k, v in sorted(entry.items()) if k != "time"}) for entry in deaths]


def entry(reason, queue, keys, count=1, exchange="", expiration=""):
    """One death, as death() shows it."""
    expiration = f"original-expiration: '{expiration}', " if expiration else ""
    return (f"{{count: l{count}, exchange: '{exchange}', {expiration}queue: '{queue}', reason: '{reason}', "
            f"routing-keys: {keys!r}}}")


def test_rejected(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", headers={"mine": 1}, correlation_id="c", delivery_mode=2)
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, dead)
    assert (got.exchange, got.routing_key, got.text, got.redelivered) == (x, q, "a", False)
    assert death(got) == [entry("rejected", q, [q])]
    rest = {k: v for k, v in got.headers.items() if k != "x-death"}
    assert rest == {"mine": 1, "x-first-death-exchange": "", "x-first-death-queue": q, "x-first-death-reason": "rejected"}
    assert {k: v for k, v in got.properties.items() if k != "headers"} == {"correlation_id": "c", "delivery_mode": 2}


def test_the_order_of_x_deaths_fields(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", expiration="10")
    assert list(letter(channel, dead).headers["x-death"][0]) == ["count", "reason", "queue", "time", "exchange", "routing-keys", "original-expiration"]


def test_nacked(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", "b")
    channel.get(q, no_ack=False)
    channel.get(q, no_ack=False)
    channel.nack(2, multiple=True, requeue=False)
    got = [letter(channel, dead) for _ in range(2)]
    assert [m.text for m in got] == ["a", "b"]
    assert [m.headers["x-first-death-reason"] for m in got] == ["rejected", "rejected"]


def test_requeue_is_not_death(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a")
    channel.get(q, no_ack=False)
    channel.nack(1)
    assert channel.get(q).text == "a"
    assert channel.get(dead) is None


def test_expired(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x, "x-message-ttl": 50})
    fill(q, "a")
    got = letter(channel, dead)
    assert death(got) == [entry("expired", q, [q])]


def test_message_ttl_is_taken_away_and_told(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", expiration="50")
    got = letter(channel, dead)
    assert "expiration" not in got.properties
    assert death(got) == [entry("expired", q, [q], expiration="50")]


def test_rejected_with_ttl_keeps_no_expiration(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", expiration="100000")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, dead)
    assert "expiration" not in got.properties
    assert got.headers["x-death"][0]["original-expiration"] == "100000"


def test_routing_key_of_ones_own(channel, q, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, dead)
    assert (got.exchange, got.routing_key) == ("", dead)
    assert got.headers["x-death"][0]["routing-keys"] == [q]


def test_without_one_the_old_key_stays(channel, q, x, fill):
    channel.exchange(x, "direct")
    channel.exchange(x + ".in", "topic")
    channel.declare(q + ".dead")
    channel.bind(q + ".dead", x, "a.b")
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    channel.bind(q, x + ".in", "a.*")
    channel.publish(x + ".in", "a.b", "m")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, q + ".dead")
    assert (got.exchange, got.routing_key) == (x, "a.b")
    assert death(got) == [entry("rejected", q, ["a.b"], exchange=f"{x}.in")]


def test_cc_goes_on_and_bcc_does_not_show(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    channel.publish("", q, "m", headers={"CC": ["cc1"], "BCC": ["bcc1"], "a": 1})
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, dead)
    assert got.headers["CC"] == ["cc1"] and "BCC" not in got.headers
    assert got.headers["x-death"][0]["routing-keys"] == [q, "cc1"]


def test_cc_is_dropped_with_a_key_of_ones_own(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x, "x-dead-letter-routing-key": "new"})
    channel.publish("", q, "m", headers={"CC": ["cc1"], "a": 1})
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, dead)
    assert "CC" not in got.headers
    assert got.headers["x-death"][0]["routing-keys"] == [q, "cc1"]


def test_no_exchange_there(channel, q, x, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x + ".missing"})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    channel.call("basic.qos")
    assert channel.get(q) is None


def test_the_exchange_may_come_later(channel, q, x, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    channel.exchange(x, "fanout")
    channel.declare(q + ".dead")
    channel.bind(q + ".dead", x)
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    assert letter(channel, q + ".dead").text == "a"


def test_nowhere_to_go(channel, q, x, fill):
    channel.exchange(x, "fanout")
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    assert channel.get(q) is None


def test_two_deaths_in_a_row(channel, q, x, dead, fill):
    channel.declare(q + "2", arguments={"x-dead-letter-exchange": x, "x-message-ttl": 50})
    channel.declare(q, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + "2"})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    got = letter(channel, dead)
    assert death(got) == [
        entry("expired", f"{q}2", [f"{q}2"]),
        entry("rejected", q, [q])]
    assert got.headers["x-first-death-queue"] == q and got.headers["x-first-death-reason"] == "rejected"


def test_a_retry_loop_counts(channel, q, fill):
    """Work queue and waiting room: the usual way to retry."""
    channel.declare(q, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + ".wait"})
    channel.declare(q + ".wait", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q, "x-message-ttl": 20})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    for count in (1, 2, 3):
        got = wait_until(lambda: channel.get(q, no_ack=False), "it is back")
        assert [(d["queue"], d["reason"], d["count"]) for d in got.headers["x-death"]] == [
            (q + ".wait", "expired", count), (q, "rejected", count)]
        channel.reject(got.delivery_tag, requeue=False)


def stays_empty(count, queue):
    """For longer than a message would need to come round."""
    for _ in range(20):
        if count(queue) != (0, 0):
            return False
        time.sleep(0.01)
    return True


def test_a_loop_without_a_rejection_ends(channel, q, fill, count):
    channel.declare(q, arguments={"x-dead-letter-exchange": "", "x-message-ttl": 20})
    fill(q, "a")
    time.sleep(0.3)
    wait_until(lambda: stays_empty(count, q), "it is gone")


def test_a_loop_of_two_queues_without_a_rejection_ends(channel, q, fill, count):
    channel.declare(q + "1", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + "2", "x-message-ttl": 20})
    channel.declare(q + "2", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": q + "1", "x-message-ttl": 20})
    fill(q + "1", "a")
    time.sleep(0.4)
    wait_until(lambda: stays_empty(count, q + "1") and stays_empty(count, q + "2"), "it is gone")


def test_a_client_may_send_x_death_itself(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", headers={"x-death": "not an array"})
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    assert len(letter(channel, dead).headers["x-death"]) == 1


def test_into_several_queues(channel, q, x, fill):
    channel.exchange(x, "fanout")
    for n in "12":
        channel.declare(q + ".dead" + n)
        channel.bind(q + ".dead" + n, x)
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a")
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    assert [letter(channel, q + ".dead" + n).text for n in "12"] == ["a", "a"]


def test_a_hundred_expire_in_order(channel, q, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": dead, "x-message-ttl": 100})
    fill(q, *map(str, range(100)))
    channel.consume(dead, no_ack=True)
    assert channel.bodies(100) == list(map(str, range(100)))


def test_deleting_a_queue_kills_no_letters(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a", "b")
    channel.call("queue.delete", queue=q)
    assert channel.get(dead) is None


def test_purging_a_queue_kills_no_letters(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    fill(q, "a")
    channel.call("queue.purge", queue=q)
    assert channel.get(dead) is None


def test_large_letter(channel, q, x, dead, fill):
    channel.declare(q, arguments={"x-dead-letter-exchange": x})
    body = "x" * 500_000
    fill(q, body)
    channel.reject(channel.get(q, no_ack=False).delivery_tag, requeue=False)
    assert letter(channel, dead).text == body
