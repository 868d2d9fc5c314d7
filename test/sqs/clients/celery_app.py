"""A Celery application over SQS as its users write it; started as worker and used by test_celery.py."""
import os
import time
from urllib.parse import quote

from celery import Celery

PREFIX = os.environ["CELERY_PREFIX"]
app = Celery("naru", broker=f"sqs://{quote('test')}:{quote('test')}@", backend="file://" + os.environ["CELERY_RESULTS"])
app.conf.update(
    task_default_queue="tasks", task_acks_late=True, worker_prefetch_multiplier=1, broker_connection_retry_on_startup=True,
    worker_enable_remote_control=False, worker_send_task_events=False,
    broker_transport_options={
        "region": "us-east-1", "queue_name_prefix": PREFIX + "-", "visibility_timeout": int(os.environ.get("CELERY_VISIBILITY", "60")),
        "wait_time_seconds": 5, "polling_interval": 0.1, "is_secure": False, "endpoint_url": os.environ["AWS_ENDPOINT_URL"]},
    task_routes={"celery_app.slow": {"queue": "slow"}})


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
        raise self.retry(countdown=1)
    return self.request.retries


@app.task
def fails():
    raise ValueError("as expected")
