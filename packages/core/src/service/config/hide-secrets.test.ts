import { describe, expect, it } from 'vitest'
import { compileHider } from './hide-secrets.ts'
import { toSecret } from './secret.ts'

describe('what others say of a service', () => {
  it('is shown without its secret settings, wherever and however often they stand', () => {
    const hide = compileHider({
      key: toSecret('hunter2'),
      other: toSecret('hunter2-long'),
      open: 'visible',
      none: undefined,
    })
    expect(hide('hunter2, hunter2-long and hunter2 are visible')).toBe('***, *** and *** are visible')
  })

  it('is shown without the password of a secret URL, as it is written and as it is meant', () => {
    const hide = compileHider({ url: toSecret('postgres://shop:p%40ss@db:5432/shop') })
    expect(hide('cannot open postgres://shop:p%40ss@db:5432/shop')).toBe('cannot open ***')
    expect(hide('password p@ss (p%40ss) is wrong')).toBe('password *** (***) is wrong')
  })

  it('is shown without the password of any URL, or who it names where that is all', () => {
    const hide = compileHider({})
    expect(hide('amqp://shop:hunter2@mq:5672 and http://token@host/a refuse')).toBe(
      'amqp://shop:***@mq:5672 and http://***@host/a refuse',
    )
    expect(hide('http://host/a@b, a@b.c and 10.0.0.1:5432')).toBe('http://host/a@b, a@b.c and 10.0.0.1:5432')
  })

  it('is left as it is where a secret is empty', () => {
    expect(compileHider({ key: toSecret('') })('as it is')).toBe('as it is')
  })
})
