/** As in a fresh process: a signal is final for the owner that has heard it, and no other test is to know of it. */
export function forgetOwner(): void {
  Reflect.deleteProperty(globalThis, Symbol.for('tenon.process_owner'))
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) process.removeAllListeners(signal)
}
