import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { compileSchema } from '../schema/compiled-schema.ts'
import { dispatcherFor, errorOf, itemsOf } from './dispatcher.test-harness.ts'

const isBelow = ({ from, to }: { from: number; to: number }) => from < to
const Range = z.object({ from: z.int(), to: z.int() })
const ranges = {
  'a rule': compileSchema(Range.refine(isBelow, 'from must be below to').transform(() => 'dropped')),
  'an asynchronous rule': compileSchema(Range.refine(async (range) => isBelow(range), 'from must be below to')),
}

describe.each(Object.entries(ranges))("%s of an output's library", (_rule, output) => {
  it('holds where the output is written, and changes nothing of it', async () => {
    const { send } = dispatcherFor(() => ({ from: 1, to: 2, extra: 3 }), { output })
    expect(await send()).toMatchObject({ ok: true, value: { from: 1, to: 2 } })
    const broken = dispatcherFor(() => ({ from: 2, to: 1 }), { output })
    expect(errorOf(await broken.send())).toMatchObject({ code: 'internal', message: 'an internal error occurred' })
    expect(JSON.stringify(broken.lines.map(({ fields }) => String(fields['err'])))).toContain('from must be below to')
  })

  it('holds for every item of a stream', async () => {
    const source = async function* () {
      yield { from: 1, to: 2, extra: 3 }
      yield { from: 2, to: 1 }
    }
    const { send } = dispatcherFor(source, { output, kind: 'server_stream' })
    const items = itemsOf(await send())
    expect(await items.next()).toEqual({ done: false, value: { from: 1, to: 2 } })
    await expect(items.next()).rejects.toMatchObject({ code: 'internal' })
  })

  it('is not asked where outputs are not checked', async () => {
    const { send } = dispatcherFor(() => ({ from: 2, to: 1 }), { output, isOutputChecked: false })
    expect(await send()).toMatchObject({ ok: true, value: { from: 2, to: 1 } })
  })
})
