/**
 * What a process needs behind its own shutdown, in ms: a service refuses to start with less.
 *
 * @see docs/design.md, section 4, and `TENON_KILL_DELAY_MS`
 */
export const processEndMs = 1_000

/** The user and group that an image runs as: that of distroless images, and no image needs a name for it. */
export const userId = 65_532
