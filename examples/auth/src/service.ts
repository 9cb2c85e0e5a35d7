import { join } from 'node:path'
import { ping } from '@shop/data'
import { accessTokens, passwordHasher, refreshTokens } from '@tenon/auth'
import { defineService, optional, port, provide, secret, text } from '@tenon/core'
import { grpcTransport } from '@tenon/transport-grpc'
import { httpTransport } from '@tenon/transport-http'
import { AuthDatabase, openAuthDatabase, ownDataDir } from './store/auth-database.ts'
import { AuthHandler } from './auth-handler.ts'
import { letterFolder, Letters } from './letters.ts'
import { LoginGuard } from './guard/login-guard.ts'
import { audience, issuer, OwnTokens } from './own-tokens.ts'
import { AccessTokens, PasswordHasher, RefreshTokens } from './parts.ts'
import { RegistrationStore } from './store/registration-store.ts'
import { refreshTokenTable, signingKeyTable } from './store/token-store.ts'
import { UserStore } from './store/user-store.ts'

const ownTokens = new OwnTokens()

export const service = defineService({
  name: 'auth',
  version: '0.1.0',
  config: {
    httpPort: port('AUTH_HTTP_PORT', 3003),
    grpcPort: port('AUTH_GRPC_PORT', 50053),
    adminPort: port('AUTH_ADMIN_PORT', 9003),
    databaseUrl: secret(optional('DATABASE_URL')),
    dataDir: optional('DATA_DIR'),
    letterDir: text('LETTER_DIR', join(ownDataDir, 'letters')),
  },
  handlers: [AuthHandler],
  authenticate: ownTokens.authenticate,
  providers: (settings) => [
    provide(AuthDatabase, {
      create: () => openAuthDatabase({ ...settings, databaseUrl: settings.databaseUrl?.reveal() }),
      check: ping,
      connectsTo: [settings.databaseUrl],
      dispose: (database) => database.destroy(),
    }),
    provide(UserStore, { needs: [AuthDatabase], create: (database) => new UserStore(database) }),
    provide(RegistrationStore, { needs: [AuthDatabase], create: (database) => new RegistrationStore(database) }),
    provide(Letters, { create: () => letterFolder(settings.letterDir) }),
    provide(PasswordHasher, { create: () => passwordHasher() }),
    provide(AccessTokens, {
      needs: [AuthDatabase],
      create: async (database) => {
        const tokens = accessTokens({ issuer, audience, keys: signingKeyTable(database) })
        // Before anybody asks for keys: they would be told that there are none, and not ask again soon.
        await tokens.rotateKeys()
        return ownTokens.of(tokens)
      },
    }),
    provide(RefreshTokens, {
      needs: [AuthDatabase],
      create: (database) => refreshTokens({ store: refreshTokenTable(database) }),
    }),
    provide(LoginGuard, { create: () => new LoginGuard() }),
  ],
  transports: (settings) => [
    httpTransport({ port: settings.httpPort, openapi: { title: 'Login' }, docs: false }),
    grpcTransport({ port: settings.grpcPort, maxConnectionAgeMs: 60_000 }),
  ],
  admin: (settings) => ({ port: settings.adminPort }),
})
