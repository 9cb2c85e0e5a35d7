import { counter, histogram } from './instrument.ts'

counter('tenon.task.restarts').add(1, { 'tenon.service': 'note', 'tenon.task.name': 'relay' })
// @ts-expect-error An attribute stands in the table, or is no attribute.
counter('tenon.task.restarts').add(1, { 'tenon.service': 'note', 'tenon.task.id': '42' })
// @ts-expect-error A histogram counts nothing.
counter('tenon.schedule.run.duration')
// @ts-expect-error A metric stands in the table.
histogram('tenon.schedule.run.size')
