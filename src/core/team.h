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

/*
 * How many threads a team may have now, from 1 to `threads`: those that the system lets
 * start are started and end again.  The OpenMP runtime ends the process when it cannot
 * start one.  Costs some 20 microseconds a thread.
 */
extern int reco_team_possible(int threads);

#endif /* RECO_CORE_TEAM_H */
