from broker_clients import java_3
from scenarios import Scenarios


class TestJava3(Scenarios):
    make = staticmethod(java_3)
