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
 *
 * The runtime ends the process when it cannot start a thread.  So those that are
 * to come are tried before: as many are started, and have left the system again
 * when the runtime starts its own.  Another process may take their places in
 * between, for some microseconds; after that they are the team's.
 *
 * The size of the team is state of the process, as the runtime's threads are.
 */
#include "core/base/team.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Looks at threads that end, before they are taken for gone: some milliseconds. */
#define MOST_LOOKS 10000

/* Threads that the runtime has, this one included. */
static int team_size = 1;

typedef struct trial
{
	pthread_mutex_t *gate; /* held by the creator until all are there */
	pthread_t thread;
	pid_t id;
} trial;

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
	team_size = threads;
	pthread_sigmask(SIG_SETMASK, &saved, NULL);
}

static void *
wait_for_others(void *arg)
{
	trial *t = arg;

	t->id = (pid_t) syscall(SYS_gettid);
	pthread_mutex_lock(t->gate);
	pthread_mutex_unlock(t->gate);
	return NULL;
}

/* A thread that was joined may count for a moment yet. */
static bool
is_gone(pid_t id)
{
	return syscall(SYS_tgkill, getpid(), id, 0) != 0;
}

/* How many of n threads more the system lets start. */
static int
try_threads(int n)
{
	pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
	trial *tried = calloc((size_t) n, sizeof(trial));
	int started = 0;

	if (tried == NULL)
		return 0;
	pthread_mutex_lock(&gate);
	for (; started < n; started++)
	{
		tried[started].gate = &gate;
		if (pthread_create(&tried[started].thread, NULL, wait_for_others, &tried[started]) != 0)
			break;
	}
	pthread_mutex_unlock(&gate);
	for (int t = 0; t < started; t++)
		pthread_join(tried[t].thread, NULL);
	for (int t = 0, looks = 0; t < started && looks < MOST_LOOKS; looks++)
		if (is_gone(tried[t].id))
			t++;
		else
			sched_yield();
	free(tried);
	return started;
}

int
reco_team_start(int threads)
{
	sigset_t all;
	sigset_t saved;

	if (threads > team_size)
	{
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &saved);
		threads = team_size + try_threads(threads - team_size);
		pthread_sigmask(SIG_SETMASK, &saved, NULL);
	}
	if (threads < 1)
		threads = 1;
	reco_team_prepare(threads);
	return threads;
}
