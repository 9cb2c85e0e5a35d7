/**
 * The pattern of text that is written for people: no control characters, and not blanks alone.
 *
 * Each part takes what the next one cannot begin with, so that no text makes matching slow.
 */
export const visibleText: string = '^[\\p{Z}\\p{Cf}]*[^\\p{Z}\\p{C}][^\\p{Cc}]*$'
