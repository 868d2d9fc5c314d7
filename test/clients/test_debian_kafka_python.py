from broker_clients import debian_kafka_python
from scenarios import Scenarios


class TestDebianKafkaPython(Scenarios):
    make = staticmethod(debian_kafka_python)
