from broker_clients import java_console
from scenarios import Scenarios


class TestJavaConsole(Scenarios):
    make = staticmethod(java_console)
