import type { PlantedBug } from '../model/model-member.ts'
import { dropsFences, forgetsParkedKeys, parksElsewhere, storesCommitsLate } from '../model/planted-bugs.ts'
import type { InstancePlant } from './instance-environment.ts'

/** Longer than the messages of a member's bound take to come. */
const lateByMs = 3_000

/** What stands between a member's consume loop and its broker. */
export const instancePlants: Readonly<Record<InstancePlant, PlantedBug>> = {
  late_commits: storesCommitsLate(lateByMs),
  dropped_fence: dropsFences,
  follower_first: forgetsParkedKeys,
  parked_elsewhere: parksElsewhere,
}
