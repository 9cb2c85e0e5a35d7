/** Where the API server is, and who asks it. */
export interface ClusterAccess {
  /** `https://10.96.0.1:443` */
  readonly origin: string
  /** What stands before every path; empty at most servers. */
  readonly basePath: string
  readonly namespace: string
  /** What a connection is made with. Asked for each connection: files are read again. */
  readonly tls: () => Promise<ClusterTls>
  /** Asked for each request: a token that is projected into a pod is replaced before it expires. */
  readonly token: () => Promise<string | undefined>
}

export interface ClusterTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  /** The name that the server's certificate must be for. */
  readonly servername?: string
  readonly rejectUnauthorized?: boolean
}

/** Variables of a process. */
export type Environment = Readonly<Record<string, string | undefined>>
