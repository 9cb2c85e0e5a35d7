import type { Address } from '@tenon/core'
import { type OwnProcess, run } from '../support/own-process.ts'

/** `examples/auth` in a process of its own. */
export interface LoginProcess extends OwnProcess {
  /** `127.0.0.1:12345` of a protocol. */
  readonly at: (protocol: string) => string
  /** The answer to a request with a JSON body, or to a GET without one. */
  readonly ask: (path: string, body?: object, accessToken?: string) => Promise<LoginAnswer>
}

export interface LoginAnswer {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
}

/** Starts it as its README does, where there is room, and waits until it is ready. */
export async function startLogin(environment: Readonly<Record<string, string>>): Promise<LoginProcess> {
  const ports = { AUTH_HTTP_PORT: '0', AUTH_GRPC_PORT: '0', AUTH_ADMIN_PORT: '0' }
  const login = run('npm', ['start', '-w', '@auth/service'], { ...ports, DATABASE_URL: '', ...environment })
  await login.printed('auth is ready')
  const line = login
    .output()
    .split('\n')
    .find((text) => text.includes('auth is ready'))
  const { addresses } = JSON.parse(line ?? '{}') as { addresses: readonly Address[] }
  const at = (protocol: string) => {
    const { host, port } = addresses.find((address) => address.protocol === protocol) ?? {}
    return `${host}:${port}`
  }
  return {
    ...login,
    at,
    async ask(path, body, accessToken) {
      const response = await fetch(`http://${at('http')}${path}`, {
        method: body ? 'POST' : 'GET',
        headers: {
          ...(body && { 'content-type': 'application/json' }),
          ...(accessToken !== undefined && { authorization: `Bearer ${accessToken}` }),
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      return { status: response.status, body: (await response.json()) as Record<string, unknown> }
    },
  }
}
