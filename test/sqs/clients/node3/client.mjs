// AWS SDK for JavaScript v3, and sqs-consumer on it. The scenarios are in scenarios.md.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(path.join(process.env.NODE_CLIENTS, 'package.json'));
const { SQS, QueueDoesNotExist } = require('@aws-sdk/client-sqs');
const [endpoint, scenario, prefix] = process.argv.slice(2);
const sqs = new SQS({ endpoint, region: 'us-east-1', credentials: { accessKeyId: 'test', secretAccessKey: 'test' }, maxAttempts: 1 });
const made = [];

async function create(end = '', Attributes = {}, tags = undefined) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: prefix + end, Attributes, tags });
  made.push(QueueUrl);
  return QueueUrl;
}
const receive = async (QueueUrl, more = {}) => (await sqs.receiveMessage({ QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ?? [];
const one = async (QueueUrl, more = {}) => {
  const got = await receive(QueueUrl, { MaxNumberOfMessages: 1, WaitTimeSeconds: 20, ...more });
  assert.equal(got.length, 1, 'no message came');
  return got[0];
};
const remove = (QueueUrl, message) => sqs.deleteMessage({ QueueUrl, ReceiptHandle: message.ReceiptHandle });
const attributes = async (QueueUrl, ...names) => (await sqs.getQueueAttributes({ QueueUrl, AttributeNames: names.length ? names : ['All'] })).Attributes;
const bodies = (messages) => messages.map((message) => message.Body);

const scenarios = {
  async queues() {
    const url = await create('', { DelaySeconds: '2', VisibilityTimeout: '45' }, { team: 'a', cost: '7' });
    assert.equal((await sqs.getQueueUrl({ QueueName: prefix })).QueueUrl, url);
    assert.deepEqual((await sqs.listQueues({ QueueNamePrefix: prefix })).QueueUrls, [url]);
    await sqs.setQueueAttributes({ QueueUrl: url, Attributes: { DelaySeconds: '0' } });
    assert.deepEqual(await attributes(url, 'DelaySeconds', 'VisibilityTimeout'), { DelaySeconds: '0', VisibilityTimeout: '45' });
    await sqs.tagQueue({ QueueUrl: url, Tags: { stage: 'test' } });
    await sqs.untagQueue({ QueueUrl: url, TagKeys: ['cost'] });
    assert.deepEqual((await sqs.listQueueTags({ QueueUrl: url })).Tags, { team: 'a', stage: 'test' });
    await sqs.deleteQueue({ QueueUrl: made.pop() });
    await assert.rejects(sqs.getQueueUrl({ QueueName: prefix }), QueueDoesNotExist);
  },
  async messages() {
    const url = await create();
    const sent = { text: { DataType: 'String', StringValue: 'ä 日本 "<&>"' }, number: { DataType: 'Number.int', StringValue: '42' },
                   binary: { DataType: 'Binary', BinaryValue: Uint8Array.from({ length: 256 }, (_, n) => n) } };
    for (const body of ['plain', 'ä 日本 😀', 'two\r\nlines\tand "quotes" & <marks>', '{"a": [1, 2]}']) {
      const answer = await sqs.sendMessage({ QueueUrl: url, MessageBody: body, MessageAttributes: sent });
      const got = await one(url, { MessageAttributeNames: ['All'], MessageSystemAttributeNames: ['All'] });
      assert.equal(got.Body, body);
      assert.equal(got.MessageId, answer.MessageId);
      assert.equal(got.MD5OfMessageAttributes, answer.MD5OfMessageAttributes);
      for (const name of Object.keys(sent)) {
        assert.equal(got.MessageAttributes[name].DataType, sent[name].DataType);
        assert.equal(got.MessageAttributes[name].StringValue, sent[name].StringValue);
      }
      assert.deepEqual(Uint8Array.from(got.MessageAttributes.binary.BinaryValue), sent.binary.BinaryValue);
      assert.equal(got.Attributes.ApproximateReceiveCount, '1');
      await remove(url, got);
    }
    assert.deepEqual(await receive(url), []);
  },
  async batch() {
    const url = await create();
    const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `m${n}`, MessageBody: `body ${n}` }));
    assert.equal((await sqs.sendMessageBatch({ QueueUrl: url, Entries })).Successful.length, 10);
    const got = new Map();
    while (got.size < 10) {
      const some = await receive(url, { WaitTimeSeconds: 20 });
      assert(some.length > 0, `only ${got.size} of 10 came`);
      for (const message of some) got.set(message.Body, message);
      const changes = some.map((m, n) => ({ Id: `${n}`, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60 }));
      assert.equal((await sqs.changeMessageVisibilityBatch({ QueueUrl: url, Entries: changes })).Successful.length, some.length);
    }
    const gone = [...got.values()].map((m, n) => ({ Id: `${n}`, ReceiptHandle: m.ReceiptHandle }));
    assert.equal((await sqs.deleteMessageBatch({ QueueUrl: url, Entries: gone })).Successful.length, 10);
    const mixed = await sqs.sendMessageBatch({ QueueUrl: url, Entries: [
      { Id: 'good', MessageBody: 'good' }, { Id: 'bad', MessageBody: 'bad', DelaySeconds: 901 }] });
    assert.deepEqual(mixed.Successful.map((entry) => entry.Id), ['good']);
    assert.deepEqual(mixed.Failed.map((entry) => [entry.Id, entry.Code, entry.SenderFault]), [['bad', 'InvalidParameterValue', true]]);
    assert.equal((await one(url)).Body, 'good');
  },
  async longpoll() {
    const url = await create();
    const begin = Date.now();
    setTimeout(() => sqs.sendMessage({ QueueUrl: url, MessageBody: 'late' }), 300);
    assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 20 })), ['late']);
    assert(Date.now() - begin < 15000);
  },
  async visibility() {
    const url = await create('', { VisibilityTimeout: '30' });
    await sqs.sendMessage({ QueueUrl: url, MessageBody: 'b' });
    const first = await one(url);
    assert.deepEqual(await receive(url), []);
    await sqs.changeMessageVisibility({ QueueUrl: url, ReceiptHandle: first.ReceiptHandle, VisibilityTimeout: 0 });
    const second = await one(url, { VisibilityTimeout: 4, MessageSystemAttributeNames: ['ApproximateReceiveCount'] });
    assert.equal(second.MessageId, first.MessageId);
    assert.deepEqual(second.Attributes, { ApproximateReceiveCount: '2' });
    await sqs.changeMessageVisibility({ QueueUrl: url, ReceiptHandle: second.ReceiptHandle, VisibilityTimeout: 60 });
    assert.deepEqual(await receive(url, { WaitTimeSeconds: 5 }), []);
    await remove(url, second);
  },
  async dlq() {
    const dead = await create('-dead');
    const { QueueArn } = await attributes(dead, 'QueueArn');
    const url = await create('', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 2 }) });
    assert.deepEqual((await sqs.listDeadLetterSourceQueues({ QueueUrl: dead })).queueUrls, [url]);
    await sqs.sendMessage({ QueueUrl: url, MessageBody: 'poison' });
    for (let n = 0; n < 2; ++n) await one(url, { VisibilityTimeout: 0 });
    assert.deepEqual(await receive(url), []);
    assert.equal((await one(dead, { VisibilityTimeout: 0 })).Body, 'poison');
    await sqs.startMessageMoveTask({ SourceArn: QueueArn });
    assert.equal((await one(url)).Body, 'poison');
  },
  async fifo() {
    const url = await create('.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
    const send = (body) => sqs.sendMessage({ QueueUrl: url, MessageBody: body, MessageGroupId: body[0] });
    const first = await send('a1');
    const again = await send('a1');
    assert.deepEqual([again.MessageId, again.SequenceNumber], [first.MessageId, first.SequenceNumber]);
    for (const body of ['a2', 'b1', 'b2']) assert((await send(body)).SequenceNumber > first.SequenceNumber);
    const [a1] = await receive(url, { MaxNumberOfMessages: 1 });
    assert.equal(a1.Body, 'a1');
    const others = await receive(url);
    assert.deepEqual(bodies(others), ['b1', 'b2']);
    for (const message of [a1, ...others]) await remove(url, message);
    assert.deepEqual(bodies(await receive(url)), ['a2']);
  },
  async purge() {
    const url = await create();
    for (let n = 0; n < 20; ++n) await sqs.sendMessage({ QueueUrl: url, MessageBody: `${n}` });
    await sqs.purgeQueue({ QueueUrl: url });
    assert.deepEqual(await receive(url), []);
  },
  async large() {
    const url = await create();
    const body = '0123456789abcdef'.repeat(1 << 16);
    await sqs.sendMessage({ QueueUrl: url, MessageBody: body });
    assert.equal((await one(url)).Body, body);
  },
  async errors() {
    const url = await create();
    const fails = (name, promise) => assert.rejects(promise, (error) => error.name === name || assert.fail(`${name} expected: ${error.name} ${error}`));
    await fails('QueueDoesNotExist', sqs.sendMessage({ QueueUrl: url + '-gone', MessageBody: 'b' }));
    await fails('ReceiptHandleIsInvalid', sqs.deleteMessage({ QueueUrl: url, ReceiptHandle: 'forged' }));
    await fails('InvalidMessageContents', sqs.sendMessage({ QueueUrl: url, MessageBody: '\u0001' }));
    await fails('InvalidAttributeValue', sqs.setQueueAttributes({ QueueUrl: url, Attributes: { DelaySeconds: '901' } }));
    await fails('EmptyBatchRequest', sqs.sendMessageBatch({ QueueUrl: url, Entries: [] }));
  },
  // sqs-consumer: polls, handles, deletes; what its handler throws at comes again.
  async consumer() {
    const { Consumer } = require('sqs-consumer');
    const url = await create('', { VisibilityTimeout: '30' });
    for (let n = 0; n < 25; ++n) await sqs.sendMessage({ QueueUrl: url, MessageBody: `${n}` });
    const seen = new Map();
    let done;
    const all = new Promise((resolve) => { done = resolve; });
    const consumer = Consumer.create({
      queueUrl: url, sqs, batchSize: 10, waitTimeSeconds: 5, visibilityTimeout: 30, heartbeatInterval: 10, terminateVisibilityTimeout: true,
      handleMessage: async (message) => {
        const times = (seen.get(message.Body) ?? 0) + 1;
        seen.set(message.Body, times);
        if (message.Body === '7' && times === 1) throw new Error('once');
        return message;
      },
    });
    const failures = [];
    consumer.on('error', (error) => failures.push(error));
    consumer.on('processing_error', (error) => { if (error.message.includes('once') === false) failures.push(error); });
    consumer.on('message_processed', () => { if (seen.size === 25 && seen.get('7') === 2) done(); });
    consumer.start();
    await all;
    const stopped = new Promise((resolve) => { consumer.on('stopped', resolve); });
    consumer.stop({ abort: true });
    await stopped;
    assert.deepEqual(failures.filter((error) => error.name !== 'AbortError' && !`${error}`.includes('aborted')), []);
    assert.deepEqual([...seen.values()].reduce((sum, n) => sum + n, 0), 26);
    assert.deepEqual(await attributes(url, 'ApproximateNumberOfMessages', 'ApproximateNumberOfMessagesNotVisible'),
      { ApproximateNumberOfMessages: '0', ApproximateNumberOfMessagesNotVisible: '0' });
  },
  async work() {
    const { QueueUrl } = await sqs.getQueueUrl({ QueueName: prefix });
    for (;;) {
      for (const message of await receive(QueueUrl, { MaxNumberOfMessages: 1, WaitTimeSeconds: 20, MessageSystemAttributeNames: ['ApproximateReceiveCount'] }))
        console.log(`working ${message.Body} ${message.Attributes.ApproximateReceiveCount}`);
    }
  },
};

try {
  await scenarios[scenario]();
} finally {
  for (const QueueUrl of made) await sqs.deleteQueue({ QueueUrl });
}
console.log('ok');
process.exit(0);
