"""Every row of the tables, in both protocols, compared as whole answers. Add rows to tables/, not code here."""
import pytest

import tables
from broker import ACCOUNT
from wire import Client
from world import World


def cases():
    for table, rows in tables.all_rows():
        seen = {}
        for row in rows:
            for protocol in ("json", "query"):
                if row.only in (None, protocol):
                    key = f"{protocol}-{table}-{row.id}"
                    seen[key] = seen.get(key, 0) + 1
                    yield pytest.param(protocol, row, id=key + (f"-{seen[key]}" if seen[key] > 1 else ""))


CASES = list(cases())


@pytest.fixture(scope="module")
def worlds(broker):
    made = {}
    for protocol in ("json", "query"):
        client = Client(broker.address, protocol, account=ACCOUNT)
        made[protocol] = World(client, f"conf_{protocol}")
    yield made
    for world in made.values():
        world.sqs.clean_up()
        world.client.close()


@pytest.mark.parametrize("protocol, row", CASES)
def test_row(worlds, protocol, row):
    world = worlds[protocol]
    world.forget()
    for action, parameters in row.after:
        world.client.do(action, world.fill(parameters))
    answer = world.client.call(row.action, world.fill(row.parameters))
    if row.action == "CreateQueue" and answer.ok:
        world.sqs.made.append(answer.result["QueueUrl"])
    expected = world.fill(row.expected.expected(protocol))
    assert row.expected.actual(answer) == expected


def test_there_are_enough():
    assert len(CASES) >= 600
