import fc from 'fast-check'

/** What random tests draw by, where `TENON_SEED` says so: a failing run of `.ci/run` fails again. */
fc.configureGlobal({ seed: Number(process.env['TENON_SEED']) })
