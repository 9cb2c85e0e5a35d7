import type { ProbeReply } from '../../transport/probe.ts'
import type { AdminRequest, AdminRoute } from '../probe/admin-route.ts'
import { isLogLevel, type LogLevels, logLevels } from './log-levels.ts'

/**
 * `/log`: tells the levels, and changes that of the service, or of one operation, to what the query says: `?level=debug&operation=shop.Orders/get`. The
 * level `initial` takes it back. Only who shows the token changes it, and only where there is one.
 */
export function logRoute(levels: LogLevels, isOperation: (id: string) => boolean): AdminRoute {
  return {
    path: '/log',
    methods: ['GET', 'PUT'],
    answer: (request) => {
      const refusal = request.method === 'PUT' ? change(levels, request, isOperation) : undefined
      return refusal ?? reply(200, { level: levels.level, operations: levels.operations })
    },
  }
}

function change(
  levels: LogLevels,
  { query, hasToken }: AdminRequest,
  isOperation: (id: string) => boolean,
): ProbeReply | undefined {
  if (!hasToken) return reply(403, { needs: 'a token: set admin.token, and show it as Authorization: Bearer …' })
  const strays = [...query.keys()].filter((name) => name !== 'level' && name !== 'operation')
  if (strays.length > 0) return reply(400, { expected: ['level', 'operation'], found: strays })
  const level = query.get('level') ?? ''
  if (level !== 'initial' && !isLogLevel(level))
    return reply(400, { expected: [...logLevels, 'initial'], found: level })
  const operation = query.get('operation')
  if (operation === null) {
    levels.set(level === 'initial' ? levels.initial : level)
    return undefined
  }
  if (!isOperation(operation))
    return reply(404, { found: operation, expected: 'an operation of this service, consume … or schedule …' })
  levels.setOperation(operation, level === 'initial' ? undefined : level)
  return undefined
}

function reply(status: number, body: object): ProbeReply {
  return {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
    body: `${JSON.stringify(body)}\n`,
  }
}
