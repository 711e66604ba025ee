// Verifies an export as docs/audit.md says; prints what the log is, or where the export is damaged.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { decompress } from 'fzstd'
import { judge, read, textOf } from './rules.js'

const folder = process.argv[2]
const sha256 = (...pieces) => pieces.reduce((sum, piece) => sum.update(piece), createHash('sha256')).digest()
const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
const heads = new Map()
const places = new Map()
const counts = { accepted: 0, void: 0, broken: 0, foreign: 0 }
const trails = new Map()
const next = new Map()
const LOG_MEMBERS = 6

function fail(file, line, what) {
  console.log(JSON.stringify({ file, line, what }))
  process.exit(1)
}

/** Return the lines of a file, with their line feeds. */
function linesOf({ name, bytes, sha256: digest }) {
  const content = readFileSync(join(folder, name))
  let lines
  try {
    const text = Buffer.from(decompress(content))
    lines = []
    for (let at = 0; at < text.length;) {
      const end = text.indexOf(10, at) + 1 || text.length
      lines.push(text.subarray(at, end))
      at = end
    }
  } catch (error) {
    fail(name, null, String(error))
  }
  const isWhole = () => content.length === bytes && sha256(content).toString('hex') === digest
  return [lines, isWhole]
}

const sized = (bytes) => (bytes === null ? [Buffer.alloc(4, 255)] : [size(bytes.length), bytes])
const size = (length) => Buffer.from([length >>> 24, length >>> 16, length >>> 8, length])
const octets = (text) => (text === null ? null : Buffer.from(text, 'base64'))

function digestOfForeign({ key, value, headers }) {
  const pieces = headers.flatMap(([name, content]) => [...sized(Buffer.from(name)), ...sized(content)])
  return sha256(...sized(key), size(headers.length), ...pieces, ...sized(value))
}

/** Return the record that a line of kind event or record is. */
function recordOf(line, members) {
  const at = { partition: Number(members.logpartition), offset: BigInt(members.logoffset) }
  if (members.logkind === 'record') {
    const { key, value, headers } = members.data
    return { ...at, key: octets(key), value: octets(value), headers: headers.map(([name, content]) => [name, octets(content)]) }
  }
  const begin = line.indexOf(',"data":')
  const value = begin < 0 ? octets(members.data_base64) : line.subarray(begin + 8, line.length - 2)
  const names = Object.keys(members).slice(LOG_MEMBERS).filter((name) => name !== 'data' && name !== 'data_base64')
  const header = (name) => ({ datacontenttype: 'content-type', traceparent: 'traceparent' })[name] ?? `ce_${name}`
  return { ...at, key: Buffer.from(members.partitionkey), value, headers: names.map((name) => [header(name), Buffer.from(members[name])]) }
}

function take(file, number, line, members) {
  const { logpartition: partition, logoffset: offset } = members
  if (BigInt(offset) !== (next.get(partition) ?? 0n)) fail(file, number, 'offsets do not follow one another')
  if (members.logkind === 'gap') {
    next.set(partition, BigInt(members.data.until))
    return
  }
  next.set(partition, BigInt(offset) + 1n)
  const record = recordOf(line, members)
  const event = read(record, manifest.partition_count)
  let verdict = 'foreign'
  if (event !== undefined) {
    const before = heads.get(event.stream) ?? { height: 0n, digest: manifest.log_id, stoppedBy: null }
    const [found, after] = judge(event, before)
    verdict = found
    heads.set(event.stream, after)
    if (verdict === 'accepted') places.set(event.stream, `${partition} ${offset}`)
  } else if (members.logkind === 'event') fail(file, number, 'no event')
  if (verdict !== members.logverdict) fail(file, number, `${verdict}, not ${members.logverdict}`)
  counts[verdict] += 1
  const position = Buffer.alloc(8)
  position.writeBigUInt64BE(record.offset)
  const digest = event ? Buffer.from(event.digest, 'hex') : digestOfForeign(record)
  trails.set(partition, sha256(Buffer.of(2), trails.get(partition) ?? Buffer.alloc(32), position, digest))
}

function takeFile(part) {
  const [lines, isWhole] = linesOf(part)
  let check = Buffer.alloc(32)
  lines.forEach((line, index) => {
    const rest = line.subarray('{"logcheck":"0123456789abcdef",'.length)
    check = sha256(check, rest)
    if (!line.subarray(0, line.length - rest.length).equals(Buffer.from(`{"logcheck":"${check.toString('hex', 0, 8)}",`))) {
      fail(part.name, index + 1, 'logcheck')
    }
    take(part.name, index + 1, line, JSON.parse(textOf(line)))
  })
  if (lines.length !== part.lines || check.toString('hex') !== part.check) fail(part.name, lines.length + 1, 'lines')
  if (!isWhole()) fail(part.name, null, 'bytes')
}

/** Return the root of the tree of RFC 6962. */
function rootOf(leaves) {
  if (leaves.length === 0) return sha256()
  if (leaves.length === 1) return sha256(Buffer.of(0), leaves[0])
  let half = 1
  while (half * 2 < leaves.length) half *= 2
  return sha256(Buffer.of(1), rootOf(leaves.slice(0, half)), rootOf(leaves.slice(half)))
}

manifest.files.forEach(takeFile)
const leaves = [...places.keys()].sort().map((stream) => {
  const { height, digest } = heads.get(stream)
  return Buffer.from(`patchbay-head-1 ${manifest.log_id} ${stream} ${height} ${digest} ${places.get(stream)}`)
})
const root = rootOf(leaves).toString('hex')
if (root !== manifest.root) fail('manifest.json', null, 'root')
for (const { partition, end_offset: end, trail } of manifest.partitions) {
  const isSame = String(next.get(String(partition))) === String(end) && trails.get(String(partition)).toString('hex') === trail
  if (!isSame) fail('manifest.json', null, `partition ${partition}`)
}
if (Object.entries(counts).some(([verdict, count]) => manifest.counts[verdict] !== count)) fail('manifest.json', null, 'counts')
console.log(JSON.stringify({ root, counts }))
