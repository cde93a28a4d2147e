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

#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

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

static void *
wait_for_others(void *gate)
{
	/* held by the creator until all are there */
	pthread_mutex_lock(gate);
	pthread_mutex_unlock(gate);
	return NULL;
}

int
reco_team_possible(int threads)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	pthread_t *thread;
	sigset_t all;
	sigset_t saved;
	int started = 0;

	if (threads <= 1)
		return 1;
	thread = malloc((size_t) (threads - 1) * sizeof(pthread_t));
	if (thread == NULL)
		return 1;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &saved);
	pthread_mutex_lock(&gate);
	while (started < threads - 1 &&
		   pthread_create(&thread[started], NULL, wait_for_others, &gate) == 0)
		started++;
	pthread_mutex_unlock(&gate);
	for (int t = 0; t < started; t++)
		pthread_join(thread[t], NULL);
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
	free(thread);
	return started + 1;
}
