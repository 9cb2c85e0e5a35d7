/**
 * How long a caller may take to say that it has heard that its connection ends, in milliseconds. Node reads nothing more of one without a call, so it is
 * never heard: what it sends now is refused, the sooner the better. Guesses: more than a round trip, and time to get round to it.
 */
export function tellMsOf({ isBusy }: { readonly isBusy: boolean }): number {
  return isBusy ? 500 : 10
}
