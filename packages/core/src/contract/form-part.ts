import type { Static, TObject, TSchema, TUnsafe } from 'typebox'
import { bytes } from '../schema/native/bytes.ts'
import type { JsonSchema } from '../schema/schema.ts'
import { unsafeSchema } from '../schema/native/unsafe-schema.ts'

/** What a caller says of a part of a form before its content. All of it is the caller's word: no name to write a file under. */
export interface FormPartHead {
  /** Name of the form's field; several parts may have the same. */
  readonly name: string
  /** Last segment of the path the caller gave; absent for a part that is no file. */
  readonly filename?: string | undefined
  /**
   * Absent where the caller named none; text then. Over HTTP it is in lower case, without parameters, and absent for every part of
   * plain text that is no file.
   *
   * @see RFC 7578 section 4.4
   */
  readonly contentType?: string | undefined
}

/** One item of a form: the head of a part, or a piece of its content. */
export interface FormPartItem {
  /** Begins a part. */
  readonly part?: FormPartHead | undefined
  /** The next piece of the part's content, of any length; the first one may come with the head. */
  readonly chunk?: Uint8Array | undefined
}

type Fields = Readonly<Record<string, TSchema>>

/** An item of a form, with what further fields come with every item. */
export type FormPartSchema<F extends Fields = Fields> = TUnsafe<
  (keyof F extends never ? unknown : Static<TObject<F>>) & FormPartItem
>

/**
 * The item of a form that is streamed: `input: stream(formPart())`. Over HTTP it is a body of `multipart/form-data`; over gRPC a
 * message for the head of each part is followed by messages for its content. `readParts()` makes parts of the items again.
 *
 * @param fields Further fields of every item, read from path, query or headers over HTTP.
 * @see RFC 7578
 */
export function formPart<const F extends Fields = Record<never, TSchema>>(fields?: F): FormPartSchema<F> {
  const own = { ...fields }
  const required = Object.keys(own).filter((name) => !('~optional' in Object(own[name])))
  return unsafeSchema({
    type: 'object',
    required,
    properties: { ...own, part: partHead, chunk: bytes() },
    [keyword]: true,
  })
}

/** Whether a schema is one that `formPart()` made. */
export function isFormPart(schema: JsonSchema): boolean {
  return schema[keyword] === true
}

const keyword = 'x-form-part'

const partHead = Object.freeze({
  type: 'object',
  required: Object.freeze(['name']),
  properties: Object.freeze({
    name: Object.freeze({ type: 'string' }),
    filename: Object.freeze({ type: 'string' }),
    contentType: Object.freeze({ type: 'string' }),
  }),
})
