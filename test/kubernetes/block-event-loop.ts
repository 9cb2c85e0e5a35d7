import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Namespace } from './kubectl.ts'

/** The port that Node's inspector listens on when it is asked to by a signal. @see Node.js documentation, --inspect */
const inspectorPort = 9229

/** Makes the process of a pod run a loop that never ends, as a mistake in its code would. */
export async function blockEventLoop(namespace: Namespace, pod: string): Promise<void> {
  // An image may have no shell, and Node anywhere. It is process 1, which takes the signal and listens on loopback of the pod.
  await namespace.run(['exec', pod, '--', '/proc/1/exe', '-e', "process.kill(1, 'SIGUSR1')"])
  const forward = spawn('kubectl', ['--namespace', namespace.name, 'port-forward', `pod/${pod}`, `:${inspectorPort}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = once(forward, 'exit')
  try {
    const port = await forwardedPort(forward.stdout)
    const targets = (await (await fetch(`http://127.0.0.1:${port}/json`)).json()) as readonly { readonly id: string }[]
    const socket = new WebSocket(`ws://127.0.0.1:${port}/${targets[0]?.id}`)
    await once(socket, 'open')
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: { expression: 'for (;;);' } }))
    socket.close()
  } finally {
    forward.kill()
    await ended
  }
}

/** kubectl takes a free port and says which. */
async function forwardedPort(output: NodeJS.ReadableStream): Promise<number> {
  for await (const line of createInterface(output)) {
    const port = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1]
    if (port !== undefined) return Number(port)
  }
  throw new Error('kubectl port-forward ended before it listened')
}
