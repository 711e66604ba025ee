// Follows a log of Patchbay to its end, as docs/subscribing.md says, and prints what it makes of it.
//
//     node main.js SCHEMAS BROKER TOPIC
import { randomUUID } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import Ajv from 'ajv/dist/2020.js'
import kafkajs from 'kafkajs'
import { Table, judge, read } from './rules.js'

const [folder, broker, topic] = process.argv.slice(2)
const ajv = new Ajv()
const schemas = readdirSync(folder).map((name) => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')))
const table = new Table(new Map(schemas.map((schema) => [schema.$id, ajv.compile(schema)])))
const heads = new Map()
const quarantine = new Map() // by stream: the height from which on it is not folded
const counts = { accepted: 0, broken: 0, foreign: 0, void: 0 }
let log

function take(record) {
  if (record.offset === 0n) {
    const { partition, ...manifest } = JSON.parse(record.value)
    const isOurs = record.key.equals(Buffer.from('manifest')) && partition === record.partition && manifest.rule_version === 1
    log ??= manifest
    if (!isOurs || log.log_id !== manifest.log_id || log.partition_count !== manifest.partition_count) throw new Error('not the manifest of this log')
  }
  const event = read(record, log.partition_count)
  if (event === undefined) {
    counts.foreign += 1
    return
  }
  const { stream } = event
  const [verdict, head] = judge(event, heads.get(stream) ?? { height: 0n, digest: log.log_id, stoppedBy: null })
  counts[verdict] += 1
  if (verdict !== 'void') heads.set(stream, head)
  if (verdict !== 'accepted' || quarantine.has(stream)) return
  try {
    table.fold(event)
  } catch {
    quarantine.set(stream, event.height)
  }
}

/** Return a record's headers as a list: kafkajs makes one member of those that have one name. */
function listOf(headers) {
  const isContent = (value) => value === null || Buffer.isBuffer(value) // one named `constructor` brings a function along
  return Object.entries(headers).flatMap(([name, found]) => [found].flat().filter(isContent).map((value) => [name, value]))
}

/** Read every partition from offset 0 to where it ends now. */
async function follow() {
  const kafka = new kafkajs.Kafka({ brokers: [broker], logLevel: kafkajs.logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  const rest = new Map((await admin.fetchTopicOffsets(topic)).map(({ partition, high }) => [partition, BigInt(high)]))
  const next = new Map()
  const groupId = `reader-${randomUUID()}` // kafkajs reads in a group only; nothing is kept in it
  const consumer = kafka.consumer({ groupId, readUncommitted: true, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
    // Comes for batches too of which nothing is handed out, such as the end of a transaction.
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload: { partition, lastOffset } }) => {
      if (BigInt(lastOffset) + 1n >= rest.get(partition)) rest.delete(partition)
      if (rest.size === 0) resolve()
    })
    consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { partition, messages } }) => {
        for (const { offset, key, value, headers } of messages) {
          if (BigInt(offset) < (next.get(partition) ?? 0n)) continue // handed out again
          next.set(partition, BigInt(offset) + 1n)
          take({ partition, offset: BigInt(offset), key, value, headers: listOf(headers) })
        }
      },
    }).catch(reject)
  })
  await consumer.disconnect()
  await admin.deleteGroups([groupId])
  await admin.disconnect()
}

/** Return all that was made of the log: JSON arrays without spaces, sorted. */
function lines() {
  const rows = Object.entries(counts).map(([verdict, count]) => ['verdict', verdict, count])
  for (const [id, number] of table.numbers) {
    rows.push(['number', id, number.phone, number.account, String(number.registration), number.status, number.fallback])
    if (number.account !== null) rows.push(['inbound', number.phone, number.account, ...table.lookUp(id, number)])
  }
  for (const by of table.held.values()) rows.push(['assignment', by.account, by.number, by.assistant, String(by.registration)])
  for (const [key, isEnabled] of table.answering) if (isEnabled) rows.push(['answering', ...key.split(' ')])
  for (const [stream, head] of heads) rows.push(['head', stream, String(head.height), head.digest, head.stoppedBy])
  for (const [stream, height] of quarantine) rows.push(['quarantine', stream, String(height)])
  return rows.map((row) => JSON.stringify(row)).sort()
}

await follow()
console.log(lines().join('\n'))
