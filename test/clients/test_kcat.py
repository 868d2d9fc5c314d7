from broker_clients import kcat
from scenarios import Scenarios


class TestKcat(Scenarios):
    make = staticmethod(kcat)
