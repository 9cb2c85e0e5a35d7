import { writeFile } from 'node:fs/promises'
import { documentText, documentUrl } from './asyncapi.ts'

await writeFile(documentUrl, documentText)
