/*
 * team.c
 *	  OpenMP threads that a PostgreSQL backend can live with.
 *
 * PostgreSQL's signal handlers assume the main thread: they set its latch and
 * may longjmp.  A thread inherits the signal mask of its creator, so a team
 * that is created while every signal is blocked never takes one.  The OpenMP
 * runtime keeps its threads between regions of one size; reco_team_prepare
 * therefore opens an empty region inside a window of blocked signals, and the
 * regions that follow find the threads there.
 */
#include "core/team.h"

#include <signal.h>
#include <stddef.h>

void
reco_team_prepare(int threads)
{
	sigset_t all;
	sigset_t saved;

	if (threads <= 1)
		return;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
#pragma omp parallel num_threads(threads)
	{
		/* a statement the compiler keeps, so that the region is kept */
		__asm__ volatile("" : : : "memory");
	}
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
}
