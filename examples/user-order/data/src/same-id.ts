/**
 * The form in which a UUID is stored and compared: its digits may come in capitals, and are the same id then. Every store puts
 * the ids it is given through this.
 *
 * @see RFC 9562 section 4: output as lower case, case-insensitive on input
 */
export function sameId(id: string): string {
  return id.toLowerCase()
}
