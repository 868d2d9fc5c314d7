// kafkajs under test; ../driver.py describes the commands.
const path = require('path')
const readline = require('readline')
const modules = path.join(process.env.NARU_NODE_MODULES, 'node_modules')
const { Kafka, CompressionTypes, CompressionCodecs, logLevel } = require(path.join(modules, 'kafkajs'))

// kafkajs brings gzip; the other codecs are plugged in, as its documentation says.
CompressionCodecs[CompressionTypes.Snappy] = require(path.join(modules, 'kafkajs-snappy'))
// Of these two only the reading half is good: nothing in JavaScript alone writes them so that Java reads them.
const lz4 = require(path.join(modules, 'lz4js'))
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async () => { throw new Error('no lz4 encoder') },
  decompress: async buffer => Buffer.from(lz4.decompress(buffer)),
})
const fzstd = require(path.join(modules, 'fzstd'))
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async () => { throw new Error('no zstd encoder') },
  decompress: async buffer => Buffer.from(fzstd.decompress(buffer)),
})

const NULL = '\\N'
const codecs = { none: CompressionTypes.None, gzip: CompressionTypes.GZIP, snappy: CompressionTypes.Snappy }
const kafka = new Kafka({ brokers: [process.argv[2]], logLevel: logLevel.WARN,
  logCreator: () => ({ log }) => process.stderr.write(JSON.stringify(log) + '\n') })
const admin = kafka.admin()

const say = line => process.stdout.write(line + '\n')
const text = bytes => bytes === null || bytes === undefined ? NULL : bytes.toString()

function lineOf({ partition, message }) {
  const headers = Object.entries(message.headers || {}).map(([name, value]) => `${name}=${value}`).join('&')
  return [partition, message.offset, message.timestamp, text(message.key), headers, text(message.value)].join('\t')
}

function messageOf(line) {
  const [partition, timestamp, key, headers, value] = line.split('\t')
  return { partition: Number(partition), timestamp, key: key === NULL ? null : key, value: value === NULL ? null : value,
    headers: Object.fromEntries(headers.split('&').filter(h => h).map(h => h.split('='))) }
}

const newConsumer = groupId => kafka.consumer({ groupId, maxWaitTimeInMs: 100, heartbeatInterval: 300,
  retry: { retries: 5 } })

// Reads until `count` records came; what comes after them in a batch is neither shown nor committed.
async function read(topic, group, count, commit) {
  const consumer = newConsumer(group)
  const lines = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let finish
  const finished = new Promise(resolve => { finish = resolve })
  await consumer.run({ autoCommit: false, eachBatchAutoResolve: false, eachBatch: async ({ batch }) => {
    const next = {}
    for (const message of batch.messages) {
      if (lines.length === count) break
      lines.push(lineOf({ partition: batch.partition, message }))
      next[batch.partition] = String(Number(message.offset) + 1)
    }
    if (commit) {
      await consumer.commitOffsets(Object.entries(next).map(([partition, offset]) =>
        ({ topic, partition: Number(partition), offset })))
    }
    // Unresolved: tell it where to go on.
    for (const [partition, offset] of Object.entries(next)) consumer.seek({ topic, partition: Number(partition), offset })
    if (lines.length === count) finish()
  } })
  await finished
  await consumer.disconnect()
  return lines
}

const commands = {
  async create([topic, partitions, ...configs]) {
    await admin.createTopics({ topics: [{ topic, numPartitions: Number(partitions), replicationFactor: 1,
      configEntries: configs.map(c => c.split('=')).map(([name, value]) => ({ name, value })) }] })
    return []
  },

  async produce([topic, codec, acks, idempotent], records) {
    const producer = kafka.producer({ idempotent: idempotent === '1', maxInFlightRequests: 1 })
    await producer.connect()
    const answer = []
    const next = {}
    for (let start = 0; start < records.length; start += 500) { // a send is one batch per partition
      const messages = records.slice(start, start + 500).map(messageOf)
      const results = await producer.send({ topic, messages, compression: codecs[codec],
        acks: acks === 'all' ? -1 : Number(acks) })
      if (acks === '0') continue
      for (const result of results) next[result.partition] = Number(result.baseOffset)
      for (const { partition } of messages) answer.push(`${partition}\t${next[partition]++}`)
    }
    await producer.disconnect()
    return answer
  },

  // kafkajs reads only in groups.
  consume: ([topic, count]) => read(topic, `consume-${topic}-${Math.random()}`, Number(count), false),
  group: ([topic, group, count]) => read(topic, group, Number(count), true),

  async offsets([topic, timestamp]) {
    const all = await admin.fetchTopicOffsets(topic)
    const found = await admin.fetchTopicOffsetsByTimestamp(topic, Number(timestamp))
    return all.map(({ partition, low, high }) =>
      [partition, low, high, found.find(f => f.partition === partition).offset].join('\t'))
  },

  async describe([topic]) {
    const { topics: [found] } = await admin.fetchTopicMetadata({ topics: [topic] })
    return [`partitions\t${found.partitions.length}`]
  },

  async configs([topic]) {
    const { resources: [found] } = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic }] })
    return found.configEntries.map(e => `${e.configName}\t${e.configValue}`)
  },

  async cluster() {
    return (await admin.describeCluster()).brokers.map(b => `broker\t${b.nodeId}\t${b.host}\t${b.port}`)
  },

  async grow([topic, count]) {
    await admin.createPartitions({ topicPartitions: [{ topic, count: Number(count) }] })
    return []
  },

  async delete([topic]) {
    await admin.deleteTopics({ topics: [topic] })
    return []
  },

  async member([topic, group]) {
    const consumer = newConsumer(group)
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
      say('assigned\t' + (payload.memberAssignment[topic] || []).join(',')))
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    await consumer.run({ eachMessage: async message => say('record\t' + lineOf(message)) })
    await new Promise(resolve => lines.once('close', resolve))
    await consumer.disconnect()
    await admin.disconnect()
    process.exit(0)
  },
}

const lines = readline.createInterface({ input: process.stdin, terminal: false, crlfDelay: Infinity })
const waiting = []
let wake = null
lines.on('line', line => { waiting.push(line); if (wake) wake() })
let closed = false
lines.on('close', () => { closed = true; if (wake) wake() })

async function nextLine() {
  while (waiting.length === 0) {
    if (closed) return null
    await new Promise(resolve => { wake = resolve })
  }
  return waiting.shift()
}

async function main() {
  await admin.connect()
  for (let line; (line = await nextLine()) !== null;) {
    const [name, ...words] = line.split('\t')
    const records = []
    if (name === 'produce') {
      for (let count = Number(words.pop()); count > 0; count--) records.push(await nextLine())
    }
    try {
      for (const answer of await commands[name](words, records)) say(answer)
      say('.')
    } catch (error) {
      const cause = error.errors ? error.errors[0] : error
      say(`!\t${cause.type || cause.name}\t${cause.message.replace(/\s/g, ' ')}`)
    }
  }
  await admin.disconnect()
}

main().catch(error => { process.stderr.write(`${error.stack}\n`); process.exit(1) })
