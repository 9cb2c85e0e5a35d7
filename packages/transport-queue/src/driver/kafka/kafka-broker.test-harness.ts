import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import kafkajs from 'kafkajs'

const script = process.env['TENON_INFRA'] ? join(process.env['TENON_INFRA'], 'kafka.sh') : undefined
const isRequired = process.env['TENON_REQUIRE_INFRA'] === '1'

/** Why tests with a broker of their own are skipped; undefined when they run. */
export const brokerAbsence: string | undefined =
  isRequired || (script !== undefined && existsSync(script)) ? undefined : 'TENON_INFRA names no folder with kafka.sh'

/** Where each kind of connection is taken. */
const listeners = { plain: 'PLAINTEXT', tls: 'SSL', sasl: 'SASL_PLAINTEXT', 'sasl-tls': 'SASL_SSL' } as const

export type Listener = keyof typeof listeners

/** Who may come in over SASL. */
export const account = { username: 'alice', password: 'hush-4711' } as const

/** A certificate and its key, as PEM. */
export interface Identity {
  readonly cert: string
  readonly key: string
}

/**
 * A Kafka broker of the test's own, which it may stop, kill and start again, and whose certificates it makes. Any unsecured
 * token is taken over `oauthbearer`, for at most five seconds.
 */
export class KafkaBroker implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'tenon-kafka-'))
  readonly #ports: Readonly<Record<Listener | 'controller', number>>
  readonly authority: Identity
  #process: ChildProcess | undefined

  private constructor(ports: Readonly<Record<Listener | 'controller', number>>) {
    this.#ports = ports
    this.authority = this.#makeAuthority()
  }

  static async start(): Promise<KafkaBroker> {
    const names = ['plain', 'tls', 'sasl', 'sasl-tls', 'controller'] as const
    const ports = await Promise.all(names.map(freePort))
    const broker = new KafkaBroker(
      Object.fromEntries(names.map((name, index) => [name, ports[index] ?? 0])) as Record<
        (typeof names)[number],
        number
      >,
    )
    broker.#format()
    await broker.launch()
    return broker
  }

  /** Where a listener is: `127.0.0.1:40123`. */
  address(listener: Listener): string {
    return `127.0.0.1:${this.#ports[listener]}`
  }

  /** Starts it with the data that it had. */
  async launch(): Promise<void> {
    this.#process = spawn(requireScript(), ['tool', 'kafka.Kafka', this.#path('server.properties')], {
      // A group of its own, because the script runs the broker as its child.
      detached: true,
      stdio: 'ignore',
    })
    while (!(await answers(this.#ports.plain))) {
      if (this.#process.exitCode !== null) throw new Error(`the broker ended with code ${this.#process.exitCode}`)
      await delay(100)
    }
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const running = this.#process
    this.#process = undefined
    if (running?.pid === undefined || running.exitCode !== null) return
    const ended = once(running, 'exit')
    process.kill(-running.pid, signal)
    await ended
    while (await accepts(this.#ports.plain)) await delay(50)
  }

  /** Lets it stand still: it answers nobody, and its connections stay open. */
  freeze(): void {
    this.#signal('SIGSTOP')
  }

  thaw(): void {
    this.#signal('SIGCONT')
  }

  /** Keeps whoever comes in over SASL from an operation. */
  async deny(kind: 'topic' | 'group', name: string, operation: 'describe' | 'read'): Promise<void> {
    const admin = new kafkajs.Kafka({ brokers: [this.address('plain')], logLevel: kafkajs.logLevel.NOTHING }).admin()
    await admin.connect()
    const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs
    const acl = {
      resourceType: kind === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
      resourceName: name,
      resourcePatternType: ResourcePatternTypes.LITERAL,
      principal: `User:${account.username}`,
      host: '*',
      operation: operation === 'read' ? AclOperationTypes.READ : AclOperationTypes.DESCRIBE,
      permissionType: AclPermissionTypes.DENY,
    }
    const anything = {
      ...acl,
      operation: AclOperationTypes.ALL,
      permissionType: AclPermissionTypes.ALLOW,
      principal: 'User:*',
    }
    await admin.createAcls({ acl: [acl, anything] })
    await admin.disconnect()
  }

  /** A certificate for a name that the broker's authority has signed. */
  identity(name: string): Identity {
    const [key, request, cert] = ['key', 'csr', 'cert'].map((kind) => this.#path(`${name}-${kind}.pem`))
    openssl('req', ...curve, '-nodes', '-subj', `/CN=${name}`, '-keyout', `${key}`, '-out', `${request}`)
    const names = this.#path(`${name}-names`)
    writeFileSync(names, `subjectAltName=DNS:${name},IP:127.0.0.1`)
    const signer = ['-CA', this.#path('ca.pem'), '-CAkey', this.#path('ca-key.pem'), '-CAcreateserial', '-days', '2']
    openssl('x509', '-req', '-in', `${request}`, ...signer, '-extfile', names, '-out', `${cert}`)
    return { cert: readFileSync(`${cert}`, 'utf8'), key: readFileSync(`${key}`, 'utf8') }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
    rmSync(this.#folder, { recursive: true, force: true })
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#process?.pid !== undefined) process.kill(-this.#process.pid, signal)
  }

  #path(name: string): string {
    return join(this.#folder, name)
  }

  #makeAuthority(): Identity {
    const [cert, key] = [this.#path('ca.pem'), this.#path('ca-key.pem')]
    const form = ['-x509', ...curve, '-nodes', '-days', '2', '-subj', '/CN=authority']
    openssl('req', ...form, '-keyout', key, '-out', cert)
    return { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') }
  }

  #format(): void {
    const { cert, key } = this.identity('kafka.test')
    writeFileSync(this.#path('server.pem'), key + cert)
    writeFileSync(this.#path('server.properties'), this.#properties())
    const scram = ['256', '512'].flatMap((bits) => [
      '--add-scram',
      `SCRAM-SHA-${bits}=[name=${account.username},password=${account.password}]`,
    ])
    const settings = ['-t', 'tenonTestsKafkaCluster', '-c', this.#path('server.properties')]
    execFileSync(requireScript(), ['tool', 'kafka.tools.StorageTool', 'format', ...settings, ...scram], {
      stdio: 'pipe',
    })
  }

  #properties(): string {
    const names = Object.keys(listeners) as Listener[]
    const { username, password } = account
    const login = (mechanism: string, module: string) =>
      ['sasl', 'sasl-tls'].map(
        (name) =>
          `listener.name.${name}.${mechanism}.sasl.jaas.config=org.apache.kafka.common.security.${module} required`,
      )
    return [
      'node.id=1',
      'process.roles=broker,controller',
      `controller.quorum.voters=1@127.0.0.1:${this.#ports.controller}`,
      'controller.listener.names=CONTROLLER',
      'inter.broker.listener.name=plain',
      `listeners=${[...names.map((name) => `${name}://${this.address(name)}`), `CONTROLLER://127.0.0.1:${this.#ports.controller}`].join(',')}`,
      `listener.security.protocol.map=${[...names.map((name) => `${name}:${listeners[name]}`), 'CONTROLLER:PLAINTEXT'].join(',')}`,
      `log.dirs=${this.#path('log')}`,
      'sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
      ...login('plain', 'plain.PlainLoginModule').map((line) => `${line} user_${username}="${password}";`),
      ...login('scram-sha-256', 'scram.ScramLoginModule').map((line) => `${line};`),
      ...login('scram-sha-512', 'scram.ScramLoginModule').map((line) => `${line};`),
      ...login('oauthbearer', 'oauthbearer.OAuthBearerLoginModule').map(
        (line) => `${line} unsecuredLoginStringClaim_sub="broker";`,
      ),
      ...['sasl', 'sasl-tls'].map((name) => `listener.name.${name}.oauthbearer.connections.max.reauth.ms=5000`),
      'ssl.keystore.type=PEM',
      `ssl.keystore.location=${this.#path('server.pem')}`,
      'ssl.truststore.type=PEM',
      `ssl.truststore.location=${this.#path('ca.pem')}`,
      // The listener for TLS alone knows its callers by their certificates.
      'listener.name.tls.ssl.client.auth=required',
      // Who comes in without SASL may do all; what nobody is kept from, everybody may.
      'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users=User:ANONYMOUS',
      'allow.everyone.if.no.acl.found=true',
      'auto.create.topics.enable=false',
      'num.partitions=1',
      'default.replication.factor=1',
      'min.insync.replicas=1',
      'offsets.topic.replication.factor=1',
      'offsets.topic.num.partitions=1',
      'transaction.state.log.replication.factor=1',
      'transaction.state.log.min.isr=1',
      'transaction.state.log.num.partitions=1',
      'share.coordinator.state.topic.replication.factor=1',
      'share.coordinator.state.topic.min.isr=1',
      'group.initial.rebalance.delay.ms=0',
      'group.min.session.timeout.ms=1000',
      'group.consumer.min.session.timeout.ms=1000',
      'group.consumer.session.timeout.ms=2000',
      'group.consumer.min.heartbeat.interval.ms=200',
      'group.consumer.heartbeat.interval.ms=300',
      'controller.quorum.append.linger.ms=0',
      'num.network.threads=2',
      'num.io.threads=2',
      'log.cleaner.dedupe.buffer.size=4194304',
      'log.cleaner.backoff.ms=200',
      '',
    ].join('\n')
  }
}

const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1']

function requireScript(): string {
  if (script === undefined) throw new Error('TENON_INFRA must name the folder with kafka.sh')
  return script
}

function openssl(...args: readonly string[]): void {
  execFileSync('openssl', args, { stdio: 'pipe' })
}

/**
 * A port that the system gives nobody by itself: a broker that is away must find its port free when it comes back, and nobody
 * else may answer there meanwhile.
 *
 * @see Linux, ip_local_port_range: from 32,768 on by default
 */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  try {
    await once(server, 'listening')
  } catch {
    return false
  }
  server.close()
  await once(server, 'close')
  return true
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** Whether a broker answers there. */
async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    // The request ApiVersions, version 0, of a client without a name. @see Kafka protocol guide
    socket.write(Buffer.from([0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 255, 255]))
    await once(socket, 'data', { signal: AbortSignal.timeout(2_000) })
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
