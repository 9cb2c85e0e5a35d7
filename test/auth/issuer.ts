import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTHeaderParameters, SignJWT } from 'jose'

/** A pair of keys of an issuer. */
export async function keyPair(kid: string, alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { kid, alg, publicKey, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg } }
}

export type KeyPair = Awaited<ReturnType<typeof keyPair>>

/** A token that is right but for what is given. */
export function sign(
  { kid, alg, privateKey }: Pick<KeyPair, 'kid' | 'alg' | 'privateKey'>,
  claims: Readonly<Record<string, unknown>> = {},
  head: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const right = { iss: 'https://id.example', aud: 'shop', sub: 'ada', roles: ['admin'] }
  const exp = Math.floor(Date.now() / 1000) + 3_600
  return new SignJWT({ ...right, exp, ...claims }).setProtectedHeader({ kid, alg, ...head }).sign(privateKey)
}

/** A server of keys, which counts its requests and may be away. */
export async function openIssuer(...keys: readonly KeyPair[]) {
  const state = { keys, isAway: false, requestCount: 0 }
  const server = createServer((request, reply) => {
    state.requestCount += 1
    if (state.isAway) request.socket.destroy()
    else reply.end(JSON.stringify({ keys: state.keys.map(({ jwk }) => jwk) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}/keys`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  })
}
