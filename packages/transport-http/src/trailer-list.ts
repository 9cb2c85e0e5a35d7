/** A header of a reply that was written at once: the names of those beside it that a handler set for behind its output. */
export const listName = 'tenon-trailers'
