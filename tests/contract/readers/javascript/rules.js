// The rules of docs/subscribing.md: which records are events, which events count, and what these say about routing.
import { createHash } from 'node:crypto'
import kafkajs from 'kafkajs'

const HASH = '[0-9a-f]{64}'
const TEXT = '[^\\x00-\\x1f\\x7f]'
const REQUIRED = {
  ce_specversion: '1\\.0', ce_id: `${TEXT}+`, ce_type: `${TEXT}+`, ce_source: `${TEXT}+`, ce_sequence: '\\d{20}',
  ce_time: '(?!0000)\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{6}Z', ce_partitionkey: '[!-~]{1,128}',
  ce_predecessor: HASH, ce_digest: HASH,
}
const OPTIONAL = {
  ce_subject: `${TEXT}*`, ce_dataschema: `${TEXT}*`, ce_actor: `${TEXT}*`, ce_reason: `${TEXT}*`, ce_commandid: HASH,
  ce_requestdigest: HASH, ce_mends: HASH, ce_base: `(0|[1-9]\\d{0,18}):${HASH}`, ce_affects: '[a-z]+(,[a-z]+)*',
}
const SHAPES = Object.entries({ ...REQUIRED, ...OPTIONAL }).map(([name, shape]) => [name, new RegExp(`^(${shape})$`)])
const MAX_HEIGHT = 2n ** 63n - 1n
const partitioner = kafkajs.Partitioners.DefaultPartitioner() // Kafka's own

export const partitionOf = (key, count) =>
  partitioner({ topic: '', partitionMetadata: Array.from({ length: count }, (_, partitionId) => ({ partitionId, leader: 0 })), message: { key } })

/** Return the text that bytes are in UTF-8; undefined where they are none. */
export function textOf(bytes) {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return undefined
  }
}

function digestOf(key, headers, value) {
  const sum = createHash('sha256').update(Buffer.of(1))
  const size = (length) => sum.update(Buffer.from([length >>> 24, length >>> 16, length >>> 8, length]))
  const piece = (bytes) => size(bytes.length) && sum.update(bytes)
  const covered = [...headers.keys()].filter((name) => name.startsWith('ce_') && name !== 'ce_digest').sort()
  piece(key)
  size(covered.length)
  for (const name of covered) piece(Buffer.from(name)) && piece(headers.get(name))
  piece(headers.get('content-type'))
  return piece(value).digest('hex')
}

/** Return the event in a record, undefined where it is foreign. `headers` are all of them: [name, bytes or null]. */
export function read({ partition, offset, key, value, headers: all }, partitionCount) {
  const headers = new Map(all)
  const text = (name) => (headers.has(name) ? textOf(headers.get(name)) : undefined)
  if (offset === 0n || key === null || value === null || headers.size < all.length) return undefined
  if (key.equals(Buffer.from('manifest')) || !headers.get('content-type')) return undefined
  for (const [name, bytes] of headers) {
    if (!name.startsWith('ce_') || name === 'ce_digest') continue
    if (bytes === null || !/^ce_[a-z0-9]{1,20}$/.test(name)) return undefined
  }
  for (const [name, shape] of SHAPES) {
    if ((headers.has(name) || name in REQUIRED) && !(headers.get(name) && shape.test(text(name) ?? '\0'))) return undefined
  }
  const height = BigInt(text('ce_sequence'))
  const [baseHeight, baseDigest] = text('ce_base')?.split(':') ?? [height - 1n, text('ce_predecessor')]
  const second = text('ce_time').slice(0, 19)
  const time = new Date(`${second}Z`) // accepts the 30th of February, and makes March of it
  const event = {
    stream: key.toString('latin1'), height, predecessor: text('ce_predecessor'), baseHeight: BigInt(baseHeight), baseDigest,
    digest: digestOf(key, headers, value), type: text('ce_type'), dataschema: text('ce_dataschema'),
    affects: text('ce_affects')?.split(',') ?? [], mends: text('ce_mends'), value,
  }
  const isEvent = height > 0n && height <= MAX_HEIGHT && event.baseHeight < height && key.equals(headers.get('ce_partitionkey')) &&
    !Number.isNaN(time.getTime()) && time.toISOString().startsWith(second) &&
    text('ce_digest') === event.digest && partitionOf(key, partitionCount) === partition
  return isEvent ? event : undefined
}

/** Return the verdict on an event, and the stream's head after it. */
export function judge(event, head) {
  const onHead = event.height === head.height + 1n && event.predecessor === head.digest
  if (onHead && (head.stoppedBy === null || event.mends === head.stoppedBy)) {
    return ['accepted', { height: event.height, digest: event.digest, stoppedBy: null }]
  }
  if (head.stoppedBy !== null) return ['broken', head]
  if (event.baseHeight > head.height || (event.baseHeight === head.height && event.baseDigest !== head.digest)) {
    return ['broken', { ...head, stoppedBy: event.digest }]
  }
  return ['void', head]
}

/** What accepted events say about routing. `validators` are by URN. */
export class Table {
  numbers = new Map() // by id
  held = new Map() // by account and number id
  answering = new Map() // by account and assistant

  constructor(validators) {
    this.validators = validators
  }

  /** Take over what an event says; throw where it cannot be understood. */
  fold(event) {
    if (!event.affects.includes('routing')) return
    const isValid = event.dataschema?.startsWith(`urn:patchbay:${event.type}:`) && this.validators.get(event.dataschema)
    const data = JSON.parse(textOf(event.value))
    if (!isValid || !isValid(data)) throw new Error('unknown or malformed')
    const { stream } = event
    const isAboutAssistant = ['AssistantCreated', 'AssistantUpdated', 'AssistantDeleted', 'NumbersAssigned'].includes(event.type)
    const isAboutNumber = ['NumberRegistered', 'NumberReleased', 'NumberUpdated'].includes(event.type)
    if ((isAboutNumber && data.number_id !== stream) || (isAboutAssistant && !stream.startsWith('acct_')) ||
      (event.type === 'AssistantCreated' && data.account_id !== stream)) throw new Error('misplaced')
    const number = this.numbers.get(stream)
    const fresh = { status: 'active', fallback: null }
    if (event.type === 'NumberRegistered') {
      this.numbers.set(stream, { phone: data.phone_number, account: data.account_id, registration: event.height, ...fresh })
    } else if (isAboutNumber && number) {
      const { status = number.status, fallback = number.fallback } = data
      Object.assign(number, event.type === 'NumberReleased' ? { ...fresh, account: null } : { status, fallback })
    } else if (event.type === 'NumbersAssigned' || event.type === 'AssistantDeleted') {
      for (const [key, by] of this.held) {
        if (by.account === stream && by.assistant === data.assistant_id) this.held.delete(key)
      }
      if (event.type === 'AssistantDeleted') this.answering.delete(`${stream} ${data.assistant_id}`)
      for (const { number_id: id, registration } of data.numbers ?? []) {
        const by = { account: stream, number: id, assistant: data.assistant_id, registration: BigInt(registration) }
        this.held.set(`${stream} ${id}`, by)
      }
    } else if (isAboutAssistant && data.inbound_enabled !== undefined) {
      this.answering.set(`${stream} ${data.assistant_id}`, data.inbound_enabled)
    }
  }

  /** Return who holds a number that belongs to an account, or null, what becomes of a call to it, and where else it may go. */
  lookUp(id, { account, registration, status, fallback }) {
    const by = this.held.get(`${account} ${id}`)
    const assistant = by?.registration === registration ? by.assistant : null
    if (status !== 'active') return [assistant, 'suspended', fallback]
    if (assistant === null) return [null, 'unassigned', fallback]
    return this.answering.get(`${account} ${assistant}`) ? [assistant, 'routed', null] : [assistant, 'inbound_disabled', fallback]
  }
}
