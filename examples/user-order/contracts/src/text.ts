/** Spaces and characters that show nothing: the categories Z and Cf of Unicode, as far as they have four digits. */
const blank =
  ' \\u00a0\\u00ad\\u0600-\\u0605\\u061c\\u06dd\\u070f\\u0890\\u0891\\u08e2\\u1680\\u180e\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff\\ufff9-\\ufffb'

/** The category Cc. */
const control = '\\u0000-\\u001f\\u007f-\\u009f'

/**
 * The pattern of text that is written for people: no control characters, and not blanks alone. It names code points, because
 * readers of OpenAPI documents know no Unicode categories unless they are written in JavaScript.
 *
 * Each part takes what the next one cannot begin with, so that no text makes matching slow.
 */
export const visibleText: string = `^[${blank}]*[^${blank}${control}][^${control}]*$`
