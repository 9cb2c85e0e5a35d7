import { createSocket, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'

/** What a name has. Weight and priority are of SRV; `name` is the alias of a CNAME, in place of the name that was asked for. */
export type DnsRecord = { readonly ttl?: number } & (
  | { readonly type: 'A' | 'AAAA'; readonly address: string; readonly name?: string }
  | { readonly type: 'CNAME'; readonly target: string }
  | {
      readonly type: 'SRV'
      readonly target: string
      readonly port: number
      readonly priority?: number
      readonly weight?: number
    }
)

export interface DnsQuery {
  readonly type: string
  readonly name: string
  readonly over: 'udp' | 'tcp'
}

/** How a query is answered: with what the zone has, by a code, or not at all. */
type Mode = 'right' | 'servfail' | 'refused' | 'silent'

const typeCodes = { A: 1, CNAME: 5, AAAA: 28, SRV: 33 } as const
const typeNames = new Map<number, string>(Object.entries(typeCodes).map(([name, code]) => [code, name]))
const modeCodes = { right: 0, servfail: 2, refused: 5, silent: 0 } as const
const nameError = 3

/** What an answer over UDP may have, where the asker says nothing else. @see RFC 1035, 4.2.1 */
const udpLimitBytes = 512

/** A DNS server on a free port of this host, over UDP and TCP. */
export class DnsServer implements AsyncDisposable {
  readonly queries: DnsQuery[] = []
  readonly #zone = new Map<string, readonly DnsRecord[]>()
  readonly #sockets = new Set<Socket>()
  #udp: UdpSocket | undefined
  #tcp: Server | undefined
  /** Types that it cannot answer for, whatever the mode. */
  readonly failing = new Set<string>()
  mode: Mode = 'right'
  delayMs = 0
  port = 0

  static async start(): Promise<DnsServer> {
    const server = new DnsServer()
    await server.listen()
    return server
  }

  get address(): string {
    return `127.0.0.1:${this.port}`
  }

  /** What a name has from now on; undefined for a name that does not exist. */
  set(name: string, records: readonly DnsRecord[] | undefined): void {
    if (records) this.#zone.set(name, records)
    else this.#zone.delete(name)
  }

  /** Listens, where it did before if it did. */
  async listen(): Promise<void> {
    for (;;) {
      this.#tcp = createServer((socket) => this.#serve(socket)).listen(this.port, '127.0.0.1')
      await once(this.#tcp, 'listening')
      const { port } = this.#tcp.address() as AddressInfo
      try {
        this.#udp = createSocket('udp4').bind(port, '127.0.0.1')
        await once(this.#udp, 'listening')
        this.port = port
        break
      } catch (error) {
        // The same port of UDP may be somebody else's; another one may not.
        this.#tcp.close()
        if (this.port !== 0) throw error
      }
    }
    const udp = this.#udp
    udp.on('message', (query, { port, address }) => {
      void this.#answer(query, 'udp', (answer) => this.#udp === udp && udp.send(answer, port, address))
    })
  }

  /** Refuses from now on. */
  async close(): Promise<void> {
    const [udp, tcp] = [this.#udp, this.#tcp]
    if (!udp || !tcp) return
    this.#udp = this.#tcp = undefined
    for (const socket of this.#sockets) socket.destroy()
    udp.close()
    tcp.close()
    await Promise.all([once(udp, 'close'), once(tcp, 'close')])
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    let read = Buffer.alloc(0)
    socket.on('data', (bytes) => {
      read = Buffer.concat([read, bytes])
      while (read.length >= 2 && read.length >= 2 + read.readUInt16BE(0)) {
        const end = 2 + read.readUInt16BE(0)
        const query = read.subarray(2, end)
        read = read.subarray(end)
        void this.#answer(query, 'tcp', (answer) => {
          const length = Buffer.alloc(2)
          length.writeUInt16BE(answer.length)
          socket.write(Buffer.concat([length, answer]))
        })
      }
    })
  }

  async #answer(query: Buffer, over: 'udp' | 'tcp', send: (answer: Buffer) => unknown): Promise<void> {
    const { name, end, type } = readQuestion(query)
    this.queries.push({ type, name, over })
    const mode = this.failing.has(type) ? 'servfail' : this.mode
    const given = this.#zone.get(name.toLowerCase())
    const asked = (given ?? []).filter((record) => record.type === type || record.type === 'CNAME')
    const records = mode === 'right' ? asked : []
    const code = mode === 'right' && given === undefined ? nameError : modeCodes[mode]
    const question = query.subarray(12, end)
    const whole = toAnswer({ id: query.readUInt16BE(0), question, code, records })
    const isLong = over === 'udp' && whole.length > udpLimitBytes
    const answer = isLong
      ? toAnswer({ id: query.readUInt16BE(0), question, code, records: [], isTruncated: true })
      : whole
    if (this.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, this.delayMs))
    if (mode !== 'silent') send(answer)
  }
}

function readQuestion(query: Buffer): { readonly name: string; readonly type: string; readonly end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query.readUInt8(at); length > 0; length = query.readUInt8(at)) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  const code = query.readUInt16BE(at + 1)
  return { name: labels.join('.'), type: typeNames.get(code) ?? String(code), end: at + 5 }
}

interface Answer {
  readonly id: number
  readonly question: Buffer
  readonly code: number
  readonly records: readonly DnsRecord[]
  readonly isTruncated?: boolean
}

/** @see RFC 1035, 4.1 */
function toAnswer({ id, question, code, records, isTruncated = false }: Answer): Buffer {
  const head = Buffer.alloc(12)
  head.writeUInt16BE(id, 0)
  head.writeUInt16BE(0x8580 | (isTruncated ? 0x0200 : 0) | code, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(records.length, 6)
  return Buffer.concat([head, question, ...records.map(toRecord)])
}

function toRecord(record: DnsRecord): Buffer {
  // 0xc00c points at the name in the question.
  const name = 'name' in record && record.name !== undefined ? toName(record.name) : Buffer.from([0xc0, 0x0c])
  const data = toData(record)
  const head = Buffer.alloc(10)
  head.writeUInt16BE(typeCodes[record.type], 0)
  head.writeUInt16BE(1, 2)
  head.writeUInt32BE(record.ttl ?? 0, 4)
  head.writeUInt16BE(data.length, 8)
  return Buffer.concat([name, head, data])
}

function toData(record: DnsRecord): Buffer {
  switch (record.type) {
    case 'A':
    case 'AAAA':
      return record.address.includes(':') ? toIpv6(record.address) : Buffer.from(record.address.split('.').map(Number))
    case 'CNAME':
      return toName(record.target)
    case 'SRV': {
      const numbers = Buffer.alloc(6)
      numbers.writeUInt16BE(record.priority ?? 0, 0)
      numbers.writeUInt16BE(record.weight ?? 0, 2)
      numbers.writeUInt16BE(record.port, 4)
      return Buffer.concat([numbers, toName(record.target)])
    }
  }
}

function toName(name: string): Buffer {
  const labels = name.split('.').filter((label) => label !== '')
  const written = labels.map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label, 'latin1')]))
  return Buffer.concat([...written, Buffer.from([0])])
}

function toIpv6(address: string): Buffer {
  const [left = [], right = []] = address.split('::').map((half) => half.split(':').filter((group) => group !== ''))
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right]
  const bytes = Buffer.alloc(16)
  for (const [index, group] of groups.entries()) bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  return bytes
}
