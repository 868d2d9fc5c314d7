"""A Celery application as its users write it; started as worker and used by test_celery.py."""
import os
import time

from celery import Celery
from kombu import Exchange, Queue

PREFIX = os.environ["CELERY_PREFIX"]
app = Celery("naru", broker=os.environ["CELERY_BROKER"], backend="rpc://")
app.conf.update(
    task_default_queue=PREFIX, task_acks_late=True, task_reject_on_worker_lost=True, worker_prefetch_multiplier=1, result_expires=60,
    broker_connection_retry_on_startup=True, task_track_started=True, worker_send_task_events=False,
    task_queues=[Queue(PREFIX, Exchange(PREFIX), PREFIX, queue_arguments={"x-max-priority": 10}), Queue(PREFIX + ".slow")],
    task_routes={"celery_app.slow": {"queue": PREFIX + ".slow"}})


@app.task
def add(a, b):
    return a + b


@app.task
def slow(seconds):
    time.sleep(seconds)
    return "done"


@app.task(bind=True, max_retries=3)
def flaky(self, attempts):
    if self.request.retries < attempts:
        raise self.retry(countdown=0.1)
    return self.request.retries


@app.task
def fails():
    raise ValueError("as expected")
