from broker_clients import franz
from scenarios import Scenarios


class TestFranz(Scenarios):
    make = staticmethod(franz)
