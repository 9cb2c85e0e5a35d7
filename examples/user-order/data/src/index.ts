export { ChangeFeed } from './change-feed.ts'
export { type DatabaseOptions, openDatabase, ping } from './database.ts'
export { firstPlace, type Place, readPageToken, writePageToken } from './page-token.ts'
