/** The questions that a platform asks: whether the process lives, can take work now, and has started. */
export type ProbeName = 'livez' | 'readyz' | 'startupz'

/** A question as it came over HTTP. */
export interface ProbeRequest {
  readonly method: string | undefined
  /** What follows the question mark; undefined for none. */
  readonly query: string | undefined
  readonly headers: { readonly accept?: string | undefined; readonly authorization?: string | undefined }
}

/** An answer to be written as it is; the body of a HEAD is left out by who writes it. */
export interface ProbeReply {
  readonly status: number
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}
