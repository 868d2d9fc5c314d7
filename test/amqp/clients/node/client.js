// amqplib doing its users' everyday work; see scenarios.md.
'use strict';
const assert = require('node:assert/strict');
const crypto = require('node:crypto');
const amqp = require(require.resolve('amqplib', { paths: [process.env.NODE_CLIENTS] }));

const [host, port, scenario, prefix] = process.argv.slice(2);
const connect = () => amqp.connect({ protocol: 'amqp', hostname: host, port: Number(port), username: 'guest', password: 'guest' });

function fill(channel, queue, bodies, options = {}) {
  for (const body of bodies) channel.sendToQueue(queue, Buffer.from(body), { persistent: true, ...options });
}

const taken = async (channel) => {
  const got = await channel.get(prefix, { noAck: true });
  return got && got.content.toString() + (got.fields.redelivered ? "'" : '');
};

// Waits until a condition that deliveries change is true.
const until = async (condition, what) => {
  const end = Date.now() + 60000;
  while (!condition()) {
    assert(Date.now() < end, `${what}: not in time`);
    await new Promise((go) => setTimeout(go, 10));
  }
};

const scenarios = {
  async topology(connection, channel) {
    await channel.assertExchange(prefix + '.events', 'topic', { durable: true });
    await channel.assertQueue(prefix, { durable: true, maxLength: 1000 });
    await channel.bindQueue(prefix, prefix + '.events', 'order.*.created');
    channel.publish(prefix + '.events', 'order.eu.created', Buffer.from('one'), { contentType: 'text/plain', persistent: true });
    const got = await channel.get(prefix, { noAck: true });
    assert.deepEqual([got.content.toString(), got.fields.routingKey, got.properties.contentType], ['one', 'order.eu.created', 'text/plain']);
    const other = await connection.createChannel();
    other.on('error', (error) => assert.equal(error.code, 406));
    await assert.rejects(other.assertQueue(prefix, { durable: false }), /inequivalent arg 'durable'/);
    await channel.unbindQueue(prefix, prefix + '.events', 'order.*.created');
    await channel.deleteQueue(prefix);
    await channel.deleteExchange(prefix + '.events');
  },

  async confirms(connection) {
    const channel = await connection.createConfirmChannel();
    const returned = [];
    channel.on('return', (message) => returned.push(message.content.toString()));
    await channel.assertQueue(prefix, { durable: true });
    for (let n = 0; n < 1000; n++) fill(channel, prefix, [String(n)]);
    await channel.waitForConfirms();
    assert.equal((await channel.checkQueue(prefix)).messageCount, 1000);
    channel.publish('', prefix + '.nowhere', Buffer.from('x'), { mandatory: true });
    await channel.waitForConfirms();
    assert.deepEqual(returned, ['x']);
  },

  async consume(_, channel) {
    await channel.assertQueue(prefix);
    fill(channel, prefix, Array.from({ length: 200 }, (_, n) => String(n)));
    await channel.prefetch(10);
    const got = [];
    const { consumerTag } = await channel.consume(prefix, (message) => {
      got.push(Number(message.content));
      channel.ack(message);
    });
    await until(() => got.length === 200, '200 messages');
    assert.deepEqual(got, Array.from({ length: 200 }, (_, n) => n));
    await channel.cancel(consumerTag);
    assert.equal((await channel.checkQueue(prefix)).messageCount, 0);
  },

  async redelivery(connection, channel) {
    await channel.assertQueue(prefix, { durable: true });
    fill(channel, prefix, ['a', 'b', 'c']);
    for (let n = 0; n < 2; n++) await channel.get(prefix);
    await connection.close();
    const second = await connect();
    const again = await second.createChannel();
    assert.deepEqual([await taken(again), await taken(again), await taken(again)], ["a'", "b'", 'c']);
    await second.close();
  },

  async requeue(_, channel) {
    await channel.assertQueue(prefix);
    fill(channel, prefix, ['a', 'b', 'c', 'd']);
    const got = [await channel.get(prefix), await channel.get(prefix), await channel.get(prefix)];
    channel.nack(got[2]);
    channel.reject(got[0], true);
    channel.nack(got[1], false, false);
    assert.deepEqual([await taken(channel), await taken(channel), await taken(channel)], ["a'", "c'", 'd']);
  },

  async rpc(connection, channel) {
    const server = await connection.createChannel();
    await server.assertQueue(prefix);
    await server.consume(prefix, (m) => server.sendToQueue(m.properties.replyTo,
      Buffer.from(m.content.toString().split('').reverse().join('')), { correlationId: m.properties.correlationId }), { noAck: true });
    const answers = new Map();
    await channel.consume('amq.rabbitmq.reply-to', (m) => answers.set(m.properties.correlationId, m.content.toString()), { noAck: true });
    for (let n = 0; n < 50; n++) {
      channel.sendToQueue(prefix, Buffer.from(`question ${n}`), { replyTo: 'amq.rabbitmq.reply-to', correlationId: String(n) });
    }
    await until(() => answers.size === 50, '50 answers');
    assert.equal(answers.get('49'), '94 noitseuq');
  },

  async retry(_, channel) {
    await channel.assertQueue(prefix, { durable: true, deadLetterExchange: '', deadLetterRoutingKey: prefix + '.wait' });
    await channel.assertQueue(prefix + '.wait', { durable: true, deadLetterExchange: '', deadLetterRoutingKey: prefix, messageTtl: 50 });
    fill(channel, prefix, ['job']);
    const attempts = [];
    await channel.consume(prefix, (message) => {
      const deaths = message.properties.headers['x-death'] || [];
      attempts.push(deaths.map((death) => death.count));
      if (attempts.length === 4) channel.ack(message);
      else channel.reject(message, false);
    });
    await until(() => attempts.length === 4, 'four attempts');
    assert.deepEqual(attempts, [[], [1, 1], [2, 2], [3, 3]]);
  },

  async priority(_, channel) {
    await channel.assertQueue(prefix, { maxPriority: 10 });
    for (const n of [1, 9, 5]) fill(channel, prefix, [String(n)], { priority: n });
    assert.deepEqual([await taken(channel), await taken(channel), await taken(channel)], ['9', '5', '1']);
  },

  async large(_, channel) {
    await channel.assertQueue(prefix);
    for (const body of [Buffer.alloc(0), crypto.randomBytes(5_000_000)]) {
      channel.sendToQueue(prefix, body);
      assert((await channel.get(prefix, { noAck: true })).content.equals(body));
    }
  },

  async headers(_, channel) {
    const headers = {
      int: 42, long: 2 ** 40, double: 1.5, text: 'héllo', true: true, null: null, list: [1, 'two', [3]], table: { a: { b: 1 } }, bytes: Buffer.from([0, 255]),
      time: { '!': 'timestamp', value: 1700000000 }, decimal: { '!': 'decimal', value: { places: 2, digits: 314 } },
    };
    const options = {
      headers, contentType: 'application/json', contentEncoding: 'gzip', deliveryMode: 2, priority: 7, correlationId: 'corr', replyTo: 'reply',
      expiration: '60000', messageId: 'id', timestamp: 1700000000, type: 'type', userId: 'guest', appId: 'app',
    };
    await channel.assertQueue(prefix);
    channel.sendToQueue(prefix, Buffer.from('x'), options);
    const got = (await channel.get(prefix, { noAck: true })).properties;
    assert.deepEqual(JSON.parse(JSON.stringify(got.headers)), JSON.parse(JSON.stringify(headers)));
    delete options.headers;
    for (const [name, value] of Object.entries(options)) assert.equal(got[name], value, name);
  },

  async work(_, channel) {
    await channel.assertQueue(prefix, { durable: true });
    await channel.prefetch(1);
    await channel.consume(prefix, (m) => console.log(`working ${m.content} ${Number(m.fields.redelivered)}`));
    await new Promise((go) => setTimeout(go, 600000));
  },
};

(async () => {
  const connection = await connect();
  connection.on('error', () => {});
  await scenarios[scenario](connection, await connection.createChannel());
  await connection.close().catch(() => {});
  console.log('ok');
})().catch((error) => {
  console.error(error);
  process.exit(1);
});
