"""Users and what they may do. `limited` may configure ^mine, write ^(mine|open), read ^(mine|seen); definitions.json has it."""
import pytest


def refused(what, name, user="limited"):
    return f"access to {what} '{name}' in vhost '/' refused for user '{user}'"


@pytest.fixture
def limited(connect):
    return connect("limited", "limited").channel()


@pytest.fixture
def owner(channel):
    """guest, who may do everything, with the queues and exchanges that are tested."""
    for queue in ("mine-q", "open-q", "seen-q", "closed-q"):
        channel.declare(queue)
    for exchange in ("mine-x", "open-x", "seen-x", "closed-x"):
        channel.exchange(exchange)
    return channel


@pytest.mark.parametrize("name, fields, what", [
    ("queue.declare", {"queue": "theirs"}, ("queue", "theirs")),
    ("queue.declare", {"queue": "open-q2"}, ("queue", "open-q2")),
    ("queue.delete", {"queue": "open-q"}, ("queue", "open-q")),
    ("queue.declare", {"queue": "closed-q"}, ("queue", "closed-q")),
    ("exchange.declare", {"exchange": "theirs", "type": "direct"}, ("exchange", "theirs")),
    ("exchange.delete", {"exchange": "open-x"}, ("exchange", "open-x")),
    ("queue.bind", {"queue": "seen-q", "exchange": "mine-x"}, ("queue", "seen-q")),
    ("queue.bind", {"queue": "mine-q", "exchange": "open-x"}, ("exchange", "open-x")),
    ("queue.unbind", {"queue": "seen-q", "exchange": "mine-x"}, ("queue", "seen-q")),
    ("queue.unbind", {"queue": "mine-q", "exchange": "open-x"}, ("exchange", "open-x")),
    ("exchange.bind", {"destination": "seen-x", "source": "mine-x"}, ("exchange", "seen-x")),
    ("exchange.bind", {"destination": "mine-x", "source": "open-x"}, ("exchange", "open-x")),
    ("basic.get", {"queue": "open-q"}, ("queue", "open-q")),
    ("basic.consume", {"queue": "open-q"}, ("queue", "open-q")),
    ("queue.purge", {"queue": "open-q"}, ("queue", "open-q")),
    ("basic.get", {"queue": "closed-q"}, ("queue", "closed-q")),
    ("basic.get", {"queue": "not-even-there"}, ("queue", "not-even-there")),
    ("exchange.declare", {"exchange": "", "type": "direct", "passive": True}, None)])
def test_refused(owner, limited, name, fields, what):
    text = refused(*what) if what else "operation not permitted on the default exchange"
    limited.refused(403, text, name, **fields)


@pytest.mark.parametrize("name, fields", [
    ("queue.declare", {"queue": "mine-q"}), ("exchange.declare", {"exchange": "mine-x", "type": "direct"}),
    ("queue.bind", {"queue": "mine-q", "exchange": "seen-x"}), ("queue.bind", {"queue": "open-q", "exchange": "mine-x"}),
    ("exchange.bind", {"destination": "open-x", "source": "seen-x"}), ("queue.purge", {"queue": "seen-q"}),
    ("queue.delete", {"queue": "mine-q"}), ("exchange.delete", {"exchange": "mine-x"})])
def test_allowed(owner, limited, name, fields):
    limited.call(name, **fields)


def test_get_and_consume_with_read(owner, limited, fill):
    fill("seen-q", "a", "b")
    assert limited.get("seen-q").text == "a"
    limited.consume("seen-q")
    assert limited.deliver().text == "b"


@pytest.mark.parametrize("exchange", ["seen-x", "closed-x"])
def test_publish_refused(owner, limited, exchange):
    limited.publish(exchange, "k", "m")
    limited.expect_error(403, refused("exchange", exchange), "basic.publish")


def test_publish_to_the_default_exchange_refused(owner, limited):
    limited.publish("", "mine-q", "m")
    limited.expect_error(403, refused("exchange", "amq.default"), "basic.publish")


@pytest.mark.parametrize("exchange", ["mine-x", "open-x"])
def test_publish_allowed(owner, limited, exchange):
    owner.bind("mine-q", exchange, "k")
    limited.confirms().publish(exchange, "k", "m", mandatory=True)
    assert limited.confirmed() == {1: "ack"}
    assert owner.get("mine-q").text == "m"


@pytest.mark.parametrize("queue", ["closed-q", "seen-q"])
def test_passive_declare_needs_no_permission(owner, limited, queue):
    limited.declare(queue, passive=True)


def test_passive_exchange_declare_needs_no_permission(owner, limited):
    limited.exchange("closed-x", passive=True)


@pytest.mark.parametrize("queue, exchange, what", [
    ("mine-dlx", "seen-x", ("exchange", "seen-x")), ("mine-dlx", "closed-x", ("exchange", "closed-x"))])
def test_dead_letter_exchange_needs_write(owner, limited, queue, exchange, what):
    limited.refused(403, refused(*what), "queue.declare", queue=queue, arguments={"x-dead-letter-exchange": exchange})


def test_dead_letter_exchange_with_write(owner, limited):
    limited.declare("mine-dlx", arguments={"x-dead-letter-exchange": "open-x"})


def test_alternate_exchange_needs_write(owner, limited):
    limited.refused(403, refused("exchange", "seen-x"), "exchange.declare", exchange="mine-ae", type="direct",
                    arguments={"alternate-exchange": "seen-x"})


def test_alternate_exchange_with_write(owner, limited):
    limited.exchange("mine-ae", arguments={"alternate-exchange": "open-x"})


def test_server_named_queues_need_configure_too(limited):
    limited.send("queue.declare", queue="")
    try:
        limited.next("queue.declare_ok")
        raise AssertionError("amq.gen-... is not ^mine")
    except Exception as end:  # noqa: BLE001
        assert end.code == 403 and end.text.startswith("ACCESS_REFUSED - access to queue 'amq.gen-"), end


# -- topic permissions: `topical` may write ^topical\. and read ^(topical|#) on amq.topic

@pytest.fixture
def topical(connect):
    return connect("topical", "topical").channel()


def test_topic_write_allowed(topical):
    topical.confirms().publish("amq.topic", "topical.news", "m")
    assert topical.confirmed() == {1: "ack"}


def test_topic_write_refused(topical):
    topical.publish("amq.topic", "other.news", "m")
    topical.expect_error(403, "access to topic 'other.news' in exchange 'amq.topic' in vhost '/' refused for user 'topical'",
                         "basic.publish")


def test_topic_read_allowed(topical, q):
    topical.declare(q)
    topical.bind(q, "amq.topic", "topical.#")


def test_topic_read_refused(topical, q):
    topical.declare(q)
    topical.refused(403, "access to topic 'other.#' in exchange 'amq.topic' in vhost '/' refused for user 'topical'", "queue.bind",
                    queue=q, exchange="amq.topic", routing_key="other.#")


def test_topic_permissions_are_for_that_exchange_only(topical, q, x):
    topical.exchange(x, "topic")
    topical.declare(q)
    topical.bind(q, x, "other.#")
    topical.publish(x, "other.news", "m")
    assert topical.get(q).text == "m"
