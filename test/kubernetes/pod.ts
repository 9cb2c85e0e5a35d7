/** A pod, as far as the tests look into it. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly deletionTimestamp?: string }
  readonly status: {
    readonly phase: string
    readonly podIP?: string
    readonly conditions?: readonly { readonly type: string; readonly status: string }[]
    readonly containerStatuses?: readonly {
      readonly restartCount: number
      readonly lastState: { readonly terminated?: { readonly exitCode: number; readonly reason: string } }
    }[]
  }
}

export function isReady({ metadata, status }: Pod): boolean {
  const condition = status.conditions?.find(({ type }) => type === 'Ready')
  return metadata.deletionTimestamp === undefined && condition?.status === 'True'
}

/** How often its container was started again. */
export function restartCount({ status }: Pod): number {
  return status.containerStatuses?.reduce((sum, one) => sum + one.restartCount, 0) ?? 0
}
