import { compileJsonWriter, type PayloadFormat } from '@tenon/core/transport'

/** The format of every queue: JSON, in which `int64()` is decimal text and `bytes()` base64. @see RFC 8259 section 8.1: UTF-8 */
export const jsonFormat: PayloadFormat = Object.freeze({
  name: 'json',
  contentType: 'application/json',
  aliases: ['text/json'],
  compile: ({ jsonSchema }) => {
    const writeJson = compileJsonWriter(jsonSchema)
    return {
      write: (value) => Buffer.from(writeJson(value)),
      read: (bytes): unknown => JSON.parse(strictText.decode(bytes)),
    }
  },
} satisfies PayloadFormat)

const strictText = new TextDecoder('utf-8', { fatal: true })
