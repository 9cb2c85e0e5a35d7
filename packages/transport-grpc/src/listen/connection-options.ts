/** What connections may do, and how long. The same for TLS, plain text and Unix sockets. */
export interface ConnectionOptions {
  /**
   * Longest time the request of a call that has one message may take to arrive whole, however fast it comes: this is no idle time.
   * A slower one is `deadline_exceeded` with the reason `request_timeout`, whatever deadline its caller gave it, and told of in the log.
   * A stream of messages may take longer.
   *
   * @defaultValue 300_000
   * @remarks Range 1–3_600_000 ms. Looked after once a second, or more often where it is shorter.
   * @throws ConfigError `config.out_of_range`
   * @see Node, server.requestTimeout: the same for HTTP
   */
  readonly requestTimeoutMs?: number
  /**
   * Largest header section of a call, as HTTP/2 counts it: 32 bytes more than name and value for each field. A larger one is reset
   * with ENHANCE_YOUR_CALM, which callers see as `resource_exhausted`.
   *
   * @defaultValue 16_384
   * @remarks Range 1_024–1_048_576
   * @throws ConfigError `config.out_of_range`
   * @see gRPC over HTTP/2, Request-Headers: servers may limit them, 8 KiB is recommended
   */
  readonly maxHeaderBytes?: number
  /**
   * How many connections may be open; one beyond is closed at once, and told of in the log.
   *
   * @defaultValue none
   * @remarks Range 1–1_000_000
   * @throws ConfigError `config.out_of_range`
   */
  readonly maxConnections?: number
  /**
   * How many calls a connection may have at a time. Callers are told; what is beyond waits on their side.
   *
   * @defaultValue 1_000, a guess: far above what is used, far below what would fill the memory
   * @remarks Range 1–1_000_000
   * @throws ConfigError `config.out_of_range`
   * @see RFC 9113 section 5.1.2
   */
  readonly maxConcurrentStreams?: number
  /**
   * How long a connection may take until its first frame is there; and the handshake of TLS before. It is closed then.
   *
   * @defaultValue 20_000, a guess
   * @remarks Range 1–3_600_000 ms
   * @throws ConfigError `config.out_of_range`
   */
  readonly handshakeTimeoutMs?: number
  /**
   * How often a ping finds out whether the caller is still there.
   *
   * @defaultValue 7_200_000
   * @remarks Range 1_000–86_400_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see gRFC A9, KEEPALIVE_TIME: two hours
   */
  readonly keepaliveIntervalMs?: number
  /**
   * How long the answer to a ping may take; the connection is closed then, and its calls are cancelled.
   *
   * @defaultValue 20_000
   * @remarks Range 1–3_600_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see gRFC A9, KEEPALIVE_TIMEOUT
   */
  readonly keepaliveTimeoutMs?: number
  /**
   * Least time between two pings of a caller to whom nothing was sent meanwhile. The third that comes earlier ends the connection with
   * GOAWAY, ENHANCE_YOUR_CALM and `too_many_pings`.
   *
   * @defaultValue 5_000: half of the least that clients are allowed, so that none of them is cut
   * @remarks Range 0–86_400_000 ms; 0 takes any.
   * @throws ConfigError `config.out_of_range`
   * @see gRFC A8: clients ping at most every 10 s, servers forgive two pings that come too early
   */
  readonly minPingIntervalMs?: number
  /**
   * After how long a connection is to be replaced, within a tenth more or less, so that callers spread over instances that were
   * started later. Its callers get GOAWAY: running calls go on, new ones use another connection.
   *
   * @defaultValue none
   * @remarks Range 1–86_400_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see gRFC A9, MAX_CONNECTION_AGE
   */
  readonly maxConnectionAgeMs?: number
  /**
   * How long calls may still run on a connection that is too old; they are cancelled then.
   *
   * @defaultValue as long as they take
   * @remarks Range 0–86_400_000 ms; needs `maxConnectionAgeMs`.
   * @throws ConfigError `config.out_of_range`, `config.malformed`
   * @see gRFC A9, MAX_CONNECTION_AGE_GRACE
   */
  readonly maxConnectionAgeGraceMs?: number
  /**
   * How long a connection may be without calls; it is closed then, with GOAWAY.
   *
   * @defaultValue as long as it likes
   * @remarks Range 1–86_400_000 ms
   * @throws ConfigError `config.out_of_range`
   * @see gRFC A9, MAX_CONNECTION_IDLE
   */
  readonly maxConnectionIdleMs?: number
  /**
   * How many calls of a connection may be reset in a second before anything was answered. A caller that resets more is cut off with
   * GOAWAY and ENHANCE_YOUR_CALM.
   *
   * @defaultValue 1_000, a guess
   * @remarks Range 1–1_000_000
   * @throws ConfigError `config.out_of_range`
   * @see CVE-2023-44487 (rapid reset)
   */
  readonly maxResetsPerSecond?: number
}
