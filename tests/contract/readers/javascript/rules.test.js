import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { judge, partitionOf, read } from './rules.js'

const load = (name) => JSON.parse(readFileSync(`${process.env.GOLDEN}/${name}`, 'utf8'))
const bytesOf = (text) => (text === null ? null : Buffer.from(text, 'base64'))
const recordOf = ({ partition, offset, key, value, headers }) => ({
  partition, offset: BigInt(offset), key: bytesOf(key), value: bytesOf(value),
  headers: headers.map(([name, content]) => [name, bytesOf(content)]),
})

const envelopes = load('envelopes.json')
for (const vector of envelopes.records) {
  test(`envelope: ${vector.name}`, () => {
    const event = read(recordOf(vector.record), envelopes.log.partition_count)
    assert.equal(event?.digest, vector.foreign === null ? vector.digest : undefined)
  })
}

const verdicts = load('verdicts.json')
for (const scenario of verdicts.scenarios) {
  test(`verdicts: ${scenario.name}`, () => {
    const heads = new Map()
    for (const vector of scenario.records) {
      const event = read(recordOf(vector.record), verdicts.log.partition_count)
      const before = heads.get(event.stream) ?? { height: 0n, digest: verdicts.log.log_id, stoppedBy: null }
      const [verdict, { height, digest, stoppedBy }] = judge(event, before)
      heads.set(event.stream, { height, digest, stoppedBy })
      assert.equal(verdict, vector.verdict)
      assert.deepEqual([event.stream, event.digest], [vector.stream, vector.digest])
      assert.deepEqual([Number(event.baseHeight), event.baseDigest], [vector.base.height, vector.base.digest])
      const after = vector.head_after
      assert.deepEqual([Number(height), digest, stoppedBy], [after.height, after.digest, after.stopped_by])
    }
  })
}

for (const { key, partitions } of load('partitions.json').keys) {
  test(`partition: ${key}`, () => {
    for (const [count, partition] of Object.entries(partitions)) assert.equal(partitionOf(bytesOf(key), Number(count)), partition)
  })
}
