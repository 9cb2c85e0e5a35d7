/**
 * Makes a function of its text, so that each message has one of its own: V8 learns for every place in a text what goes through
 * it, and a place that all messages share learns nothing. Values that were given to us stand in a text only as JSON.
 *
 * @param used What the text may name.
 * @throws EvalError where Node may not make functions of texts (`--disallow-code-generation-from-strings`).
 */
export function functionOf<Made>(text: string, used: Readonly<Record<string, unknown>>): Made {
  // oxlint-disable-next-line typescript/no-implied-eval -- The texts are ours, made at boot.
  return new Function(...Object.keys(used), `'use strict'\nreturn ${text}`)(...Object.values(used)) as Made
}
