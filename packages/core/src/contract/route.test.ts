import { describe, expect, it } from 'vitest'
import { parseRoute } from './route.ts'

describe('parseRoute', () => {
  it('takes a route apart', () => {
    expect(parseRoute('DELETE /v1/users/:userId/notes/:note_id')).toEqual({
      method: 'DELETE',
      path: '/v1/users/:userId/notes/:note_id',
      segments: [
        { parameter: undefined, text: 'v1' },
        { parameter: undefined, text: 'users' },
        { parameter: 'userId', text: '' },
        { parameter: undefined, text: 'notes' },
        { parameter: 'note_id', text: '' },
      ],
      parameters: ['userId', 'note_id'],
    })
  })

  it('takes a colon later in a segment for a custom verb', () => {
    expect(parseRoute('POST /v1/users:import').segments.at(-1)).toEqual({ parameter: undefined, text: 'users:import' })
    expect(parseRoute('POST /v1/users/:userId:cancel').segments.at(-1)).toEqual({
      parameter: 'userId',
      text: ':cancel',
    })
  })

  it.each([
    ['', 'expected one of GET, POST, PUT, PATCH, DELETE before the path'],
    ['get /v1', 'expected one of GET, POST, PUT, PATCH, DELETE before the path'],
    ['HEAD /v1', 'expected one of GET, POST, PUT, PATCH, DELETE before the path'],
    ['GET', 'expected one path that starts with "/"'],
    ['GET v1', 'expected one path that starts with "/"'],
    ['GET /v1 /v2', 'expected one path that starts with "/"'],
    ['GET /:id/:id', 'parameter :id appears twice'],
    ['GET /', 'segment "" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1/', 'segment "" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1//x', 'segment "" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1/:', 'segment ":" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1/a:b:c', 'segment "a:b:c" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1/*', 'segment "*" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1/a%20b', 'segment "a%20b" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
    ['GET /v1/?x=1', 'segment "?x=1" is neither fixed text, :parameter, text:verb nor :parameter:verb'],
  ])('refuses %j', (route, message) => {
    expect(() => parseRoute(route)).toThrow(new Error(message))
  })
})
