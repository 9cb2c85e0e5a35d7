import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { copyLabelled, lineLabel } from './line-label.ts'

const names = ['user', 'order']

test('labels are of one width and of different colours', () => {
  expect(names.map((name) => lineLabel(names, name))).toEqual([
    { text: 'user  |', colour: 'cyan' },
    { text: 'order |', colour: 'magenta' },
  ])
})

test('a label stands before each whole line, however the text comes, and the last line needs no end', async () => {
  const [from, to] = [new PassThrough(), new PassThrough()]
  copyLabelled(from, to, lineLabel(names, 'user'))
  for (const part of ['{"msg":"', 'ready"}\n{"msg":"drains"}\n\nby', 'e']) from.write(part)
  from.end()
  await once(from, 'close')
  to.end()
  expect(stripVTControlCharacters(await text(to))).toBe(
    'user  | {"msg":"ready"}\nuser  | {"msg":"drains"}\nuser  | \nuser  | bye\n',
  )
})
