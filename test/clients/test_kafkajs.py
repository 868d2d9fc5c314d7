from broker_clients import kafkajs
from scenarios import Scenarios


class TestKafkajs(Scenarios):
    make = staticmethod(kafkajs)
