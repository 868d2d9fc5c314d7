from broker_clients import confluent
from scenarios import Scenarios


class TestConfluent(Scenarios):
    make = staticmethod(confluent)
