/*
 * team.h
 *	  OpenMP threads that a PostgreSQL backend can live with.
 */
#ifndef RECO_CORE_TEAM_H
#define RECO_CORE_TEAM_H

/*
 * Makes sure that the next parallel region of `threads` threads starts no
 * thread: those it lacks are born here, with every signal blocked, so that no
 * signal handler of the process ever runs on them.  Call before the first
 * parallel region of a kernel; regions of one kernel all use num_threads of the
 * same number.  Costs microseconds when the team exists.
 */
extern void reco_team_prepare(int threads);

#endif /* RECO_CORE_TEAM_H */
