/*
 * mimic_lists.c
 *	  What is tested of every kernel that makes a list for each item.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mimic_lists.h"

void
mimic_same_lists(const reco_neighbors *a, const reco_neighbors *b)
{
	int64_t n = a->start[a->rows];

	assert_int_equal(b->rows, a->rows);
	assert_memory_equal(a->start, b->start, ((size_t) a->rows + 1) * sizeof(int64_t));
	assert_memory_equal(a->row, b->row, (size_t) n * sizeof(int32_t));
	assert_memory_equal(a->similarity, b->similarity, (size_t) n * sizeof(double));
}

/* Whether it went through; otherwise it ended for the reason. */
static bool
went_through(mimic_env *m, mimic_list_fit fit, void *arg, reco_status reason)
{
	reco_neighbors lists;
	reco_status status = fit(&m->env, arg, &lists);

	assert_true(status == RECO_OK || status == reason);
	if (status == RECO_OK)
		reco_neighbors_free(&m->env, &lists);
	assert_int_equal(m->live, 0);
	return status == RECO_OK;
}

void
mimic_list_ends(mimic_env *m, mimic_list_fit fit, void *arg, long polls, long allocations)
{
	assert_int_equal(m->live, 0);
	do
	{
		m->stop_at++;
		m->polls = 0;
	} while (!went_through(m, fit, arg, RECO_STOPPED));
	assert_true(m->stop_at > polls);
	m->stop_at = m->fail_at = 0;
	do
	{
		m->fail_at++;
		m->allocations = 0;
	} while (!went_through(m, fit, arg, RECO_NO_MEMORY));
	assert_true(m->fail_at > allocations);
	m->fail_at = 0;
}
