// AWS SDK for JavaScript v2. It connects to the host that stands in the queue's URL. The scenarios are in scenarios.md.
'use strict';
process.env.AWS_SDK_JS_SUPPRESS_MAINTENANCE_MODE_MESSAGE = '1';
const assert = require('node:assert/strict');
const path = require('node:path');

const AWS = require(path.join(process.env.NODE_CLIENTS, 'node_modules', 'aws-sdk'));
const [endpoint, scenario, prefix] = process.argv.slice(2);
const sqs = new AWS.SQS({ endpoint, region: 'us-east-1', accessKeyId: 'test', secretAccessKey: 'test', maxRetries: 0 });
const made = [];

async function create(end = '', Attributes = {}, tags = undefined) {
  const { QueueUrl } = await sqs.createQueue({ QueueName: prefix + end, Attributes, tags }).promise();
  made.push(QueueUrl);
  return QueueUrl;
}
const call = (name, parameters) => sqs[name](parameters).promise();
const receive = async (QueueUrl, more = {}) => (await call('receiveMessage', { QueueUrl, MaxNumberOfMessages: 10, ...more })).Messages ?? [];
const one = async (QueueUrl, more = {}) => {
  const got = await receive(QueueUrl, { MaxNumberOfMessages: 1, WaitTimeSeconds: 20, ...more });
  assert.equal(got.length, 1, 'no message came');
  return got[0];
};
const attributes = async (QueueUrl, ...names) => (await call('getQueueAttributes', { QueueUrl, AttributeNames: names.length ? names : ['All'] })).Attributes;
const bodies = (messages) => messages.map((message) => message.Body);
const fails = (code, promise) => assert.rejects(promise, (error) => error.code === code || assert.fail(`${code} expected: ${error.code} ${error}`));

const scenarios = {
  async queues() {
    const url = await create('', { DelaySeconds: '2', VisibilityTimeout: '45' }, { team: 'a', cost: '7' });
    assert.equal((await call('getQueueUrl', { QueueName: prefix })).QueueUrl, url);
    assert.deepEqual((await call('listQueues', { QueueNamePrefix: prefix })).QueueUrls, [url]);
    await call('setQueueAttributes', { QueueUrl: url, Attributes: { DelaySeconds: '0' } });
    assert.deepEqual(await attributes(url, 'DelaySeconds', 'VisibilityTimeout'), { DelaySeconds: '0', VisibilityTimeout: '45' });
    await call('tagQueue', { QueueUrl: url, Tags: { stage: 'test' } });
    await call('untagQueue', { QueueUrl: url, TagKeys: ['cost'] });
    assert.deepEqual((await call('listQueueTags', { QueueUrl: url })).Tags, { team: 'a', stage: 'test' });
    await call('deleteQueue', { QueueUrl: made.pop() });
    await fails('AWS.SimpleQueueService.NonExistentQueue', call('getQueueUrl', { QueueName: prefix }));
  },
  async messages() {
    const url = await create();
    const sent = { text: { DataType: 'String', StringValue: 'ä 日本 "<&>"' }, binary: { DataType: 'Binary', BinaryValue: Buffer.from([0, 1, 255]) } };
    for (const body of ['plain', 'ä 日本 😀', 'two\r\nlines\tand "quotes" & <marks>']) {
      const answer = await call('sendMessage', { QueueUrl: url, MessageBody: body, MessageAttributes: sent });
      const got = await one(url, { MessageAttributeNames: ['All'], AttributeNames: ['All'] });
      assert.equal(got.Body, body);
      assert.equal(got.MessageId, answer.MessageId);
      assert.equal(got.MessageAttributes.text.StringValue, sent.text.StringValue);
      assert.deepEqual(Buffer.from(got.MessageAttributes.binary.BinaryValue), sent.binary.BinaryValue);
      await call('deleteMessage', { QueueUrl: url, ReceiptHandle: got.ReceiptHandle });
    }
    assert.deepEqual(await receive(url), []);
  },
  async batch() {
    const url = await create();
    const Entries = Array.from({ length: 10 }, (_, n) => ({ Id: `m${n}`, MessageBody: `body ${n}` }));
    assert.equal((await call('sendMessageBatch', { QueueUrl: url, Entries })).Successful.length, 10);
    const got = await receive(url);
    const changes = got.map((m, n) => ({ Id: `${n}`, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 60 }));
    assert.equal((await call('changeMessageVisibilityBatch', { QueueUrl: url, Entries: changes })).Successful.length, got.length);
    const gone = got.map((m, n) => ({ Id: `${n}`, ReceiptHandle: m.ReceiptHandle }));
    assert.equal((await call('deleteMessageBatch', { QueueUrl: url, Entries: gone })).Successful.length, got.length);
  },
  async longpoll() {
    const url = await create();
    setTimeout(() => call('sendMessage', { QueueUrl: url, MessageBody: 'late' }), 300);
    const begin = Date.now();
    assert.deepEqual(bodies(await receive(url, { WaitTimeSeconds: 20 })), ['late']);
    assert(Date.now() - begin < 15000);
  },
  async visibility() {
    const url = await create('', { VisibilityTimeout: '30' });
    await call('sendMessage', { QueueUrl: url, MessageBody: 'b' });
    const first = await one(url);
    assert.deepEqual(await receive(url), []);
    await call('changeMessageVisibility', { QueueUrl: url, ReceiptHandle: first.ReceiptHandle, VisibilityTimeout: 0 });
    assert.equal((await one(url)).MessageId, first.MessageId);
  },
  async dlq() {
    const dead = await create('-dead');
    const { QueueArn } = await attributes(dead, 'QueueArn');
    const url = await create('', { RedrivePolicy: JSON.stringify({ deadLetterTargetArn: QueueArn, maxReceiveCount: 2 }) });
    await call('sendMessage', { QueueUrl: url, MessageBody: 'poison' });
    for (let n = 0; n < 2; ++n) await one(url, { VisibilityTimeout: 0 });
    assert.deepEqual(await receive(url), []);
    assert.equal((await one(dead, { VisibilityTimeout: 0 })).Body, 'poison');
    await call('startMessageMoveTask', { SourceArn: QueueArn });
    assert.equal((await one(url)).Body, 'poison');
  },
  async fifo() {
    const url = await create('.fifo', { FifoQueue: 'true', ContentBasedDeduplication: 'true' });
    for (const body of ['a1', 'a1', 'a2', 'b1']) await call('sendMessage', { QueueUrl: url, MessageBody: body, MessageGroupId: body[0] });
    assert.deepEqual(bodies(await receive(url)).sort(), ['a1', 'a2', 'b1']);
  },
  async purge() {
    const url = await create();
    for (let n = 0; n < 5; ++n) await call('sendMessage', { QueueUrl: url, MessageBody: `${n}` });
    await call('purgeQueue', { QueueUrl: url });
    assert.deepEqual(await receive(url), []);
  },
  async large() {
    const url = await create();
    const body = '0123456789abcdef'.repeat(1 << 16);
    await call('sendMessage', { QueueUrl: url, MessageBody: body });
    assert.equal((await one(url)).Body, body);
  },
  async errors() {
    const url = await create();
    await fails('AWS.SimpleQueueService.NonExistentQueue', call('sendMessage', { QueueUrl: url + '-gone', MessageBody: 'b' }));
    await fails('ReceiptHandleIsInvalid', call('deleteMessage', { QueueUrl: url, ReceiptHandle: 'forged' }));
    await fails('InvalidMessageContents', call('sendMessage', { QueueUrl: url, MessageBody: '\u0001' }));
  },
  async work() {
    const { QueueUrl } = await call('getQueueUrl', { QueueName: prefix });
    for (;;) {
      for (const message of await receive(QueueUrl, { MaxNumberOfMessages: 1, WaitTimeSeconds: 20, AttributeNames: ['ApproximateReceiveCount'] }))
        console.log(`working ${message.Body} ${message.Attributes.ApproximateReceiveCount}`);
    }
  },
};

scenarios[scenario]()
  .finally(async () => { for (const QueueUrl of made) await call('deleteQueue', { QueueUrl }); })
  .then(() => { console.log('ok'); process.exit(0); }, (error) => { console.error(error); process.exit(1); });
