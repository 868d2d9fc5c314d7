from broker_clients import java_4
from scenarios import Scenarios


class TestJava4(Scenarios):
    make = staticmethod(java_4)
