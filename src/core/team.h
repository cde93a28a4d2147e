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
 * The same for as many threads as the system lets start, from 1 to `threads`, and
 * returns how many they are: they are there then.  (The OpenMP runtime ends the process
 * when it cannot start one, so what it will need is tried before; only another process
 * that takes it in that moment can be in the way.)  Costs some 50 microseconds for each
 * thread that is new.
 */
extern int reco_team_start(int threads);

#endif /* RECO_CORE_TEAM_H */
