import { ConfigError } from '@tenon/core/transport'

/**
 * Makes a function of its text, so that each message has one of its own: V8 learns for every place in a text what goes through
 * it, and a place that all messages share learns nothing. Values that were given to us stand in a text only as JSON.
 *
 * @param used What the text may name.
 * @throws ConfigError `config.malformed` where Node may not make functions of texts.
 */
export function functionOf<Made>(text: string, used: Readonly<Record<string, unknown>>): Made {
  try {
    // oxlint-disable-next-line typescript/no-implied-eval -- The texts are ours, made at boot.
    return new Function(...Object.keys(used), `'use strict'\nreturn ${text}`)(...Object.values(used)) as Made
  } catch (error) {
    throw error instanceof EvalError ? forbidden(error) : error
  }
}

/** @see Node.js, --disallow-code-generation-from-strings */
function forbidden(cause: EvalError): ConfigError {
  const message =
    'messages of protobuf are read and written by functions that are made of texts, which this process forbids; start Node without --disallow-code-generation-from-strings'
  return new ConfigError([{ code: 'config.malformed', message }], cause)
}
