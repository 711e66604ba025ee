// Validates an AsyncAPI document; prints what it says of each message, as JSON.
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { Parser } from '@asyncapi/parser'

const path = resolve(process.argv[2])
const { document, diagnostics } = await new Parser().parse(readFileSync(path, 'utf8'), { source: path })
for (const { severity, message, path: at } of diagnostics) console.error(`${severity} ${at.join('.')}: ${message}`)
const isFaulty = document === undefined || diagnostics.some(({ severity }) => severity <= 1) // errors and warnings
if (isFaulty) process.exit(1)
const messages = document.channels().get('log').messages().all().map((message) => ({
  name: message.name(),
  schema: message.payload().json().$id ?? null,
  headers: Object.keys(message.headers().properties() ?? {}).sort(),
  required: [...(message.headers().required() ?? [])].sort(),
}))
console.log(JSON.stringify(messages))
