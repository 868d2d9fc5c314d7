"""A worker process over boto3: takes jobs, works on them, deletes them, and writes down each step.

    worker.py URL QUEUE LOG MAX

A job's body is `NAME SECONDS`. Lines of the log: `begin NAME COUNT TIME`, `end NAME TIME`; the clock is the machine's monotonic one,
so that the lines of several workers can be put in order. With MAX greater than 1 it takes several at once and works on them in turn.
"""
import os
import sys
import time

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

url, queue, log, most = sys.argv[1:5]
sqs = boto3.client("sqs", endpoint_url=url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
                   config=Config(retries={"max_attempts": 0}, read_timeout=30, tcp_keepalive=True))
out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def say(*words):
    os.write(out, (" ".join(map(str, (*words, f"{time.monotonic():.3f}"))) + "\n").encode())


while True:
    try:
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=int(most), WaitTimeSeconds=5, AttributeNames=["ApproximateReceiveCount"])
        for message in got.get("Messages", []):
            name, seconds = message["Body"].split()
            say("begin", name, message["Attributes"]["ApproximateReceiveCount"])
            time.sleep(float(seconds))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
            say("end", name)
    except (BotoCoreError, ClientError) as error:
        say("error", type(error).__name__)
        time.sleep(0.1)
