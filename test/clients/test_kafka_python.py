from broker_clients import kafka_python
from scenarios import Scenarios


class TestKafkaPython(Scenarios):
    make = staticmethod(kafka_python)
