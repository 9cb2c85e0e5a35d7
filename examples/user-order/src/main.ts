import { checkPlaces } from './check-places.ts'
import { launch } from './launch.ts'

const problem = checkPlaces(process.env)
if (problem === undefined) {
  // The order service calls the user service, so it is the first to stop.
  process.exitCode = await launch(['user', 'order'])
} else {
  process.stderr.write(`the shop could not start: ${problem}\n`)
  process.exitCode = 1
}
