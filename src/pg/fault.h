/*
 * fault.h
 *	  Faults made on purpose: an error at the n-th interrupt check or allocation.
 *
 * Only in builds for a server with assertions, or with -DRECO_FAULTS; in others there is
 * nothing of it.  "reco.fault_at" counts down to 0 at each check and each allocation of the
 * extension, and where it arrives there is the error that a cancelled query or a lack of
 * memory would be.  A test sets it to 1, 2, 3 ... until the call ends with the setting
 * above 0.  "reco.fault_entries" makes the most that one stored value may hold small,
 * "reco.fault_ids" the most ids, sessions and the like that are numbered, and "reco.polls" counts
 * the interrupt checks.
 */
#ifndef RECO_PG_FAULT_H
#define RECO_PG_FAULT_H

#if defined(USE_ASSERT_CHECKING) && !defined(RECO_FAULTS)
#define RECO_FAULTS
#endif
/* for the fuzz targets, whose server is none */
#ifdef RECO_NO_FAULTS
#undef RECO_FAULTS
#endif

#ifdef RECO_FAULTS

extern int reco_fault_at;
extern int reco_polls;
extern int reco_fault_entries;
extern int reco_fault_ids;

extern void reco_faults_init(void);
extern void reco_fault_poll(void);
extern void reco_fault_alloc(void);

/* Whether the fault is now. */
#define RECO_FAULT_NOW() (unlikely(reco_fault_at > 0) && --reco_fault_at == 0)
#define RECO_FAULT_POLL() ((void) (reco_polls++, RECO_FAULT_NOW() ? reco_fault_poll() : (void) 0))
#define RECO_FAULT_ALLOC() ((void) (RECO_FAULT_NOW() ? reco_fault_alloc() : (void) 0))

/* Limits that no test can reach. */
#define RECO_FAULT_ENTRIES(most) (reco_fault_entries > 0 ? reco_fault_entries : (most))
#define RECO_FAULT_IDS(most) (reco_fault_ids > 0 ? reco_fault_ids : (most))

#ifndef RECO_FAULT_C
#define palloc(...) (RECO_FAULT_ALLOC(), palloc(__VA_ARGS__))
#define palloc0(...) (RECO_FAULT_ALLOC(), palloc0(__VA_ARGS__))
#define palloc_extended(...) (RECO_FAULT_ALLOC(), palloc_extended(__VA_ARGS__))
#define repalloc(...) (RECO_FAULT_ALLOC(), repalloc(__VA_ARGS__))
#define repalloc_huge(...) (RECO_FAULT_ALLOC(), repalloc_huge(__VA_ARGS__))
#define pstrdup(...) (RECO_FAULT_ALLOC(), pstrdup(__VA_ARGS__))
#define pnstrdup(...) (RECO_FAULT_ALLOC(), pnstrdup(__VA_ARGS__))
#define psprintf(...) (RECO_FAULT_ALLOC(), psprintf(__VA_ARGS__))
#define MemoryContextAlloc(...) (RECO_FAULT_ALLOC(), MemoryContextAlloc(__VA_ARGS__))
#define MemoryContextAllocZero(...) (RECO_FAULT_ALLOC(), MemoryContextAllocZero(__VA_ARGS__))
#define MemoryContextAllocHuge(...) (RECO_FAULT_ALLOC(), MemoryContextAllocHuge(__VA_ARGS__))
#define MemoryContextAllocExtended(...)                                                            \
	(RECO_FAULT_ALLOC(), MemoryContextAllocExtended(__VA_ARGS__))
#define MemoryContextStrdup(...) (RECO_FAULT_ALLOC(), MemoryContextStrdup(__VA_ARGS__))
#endif

#else

#define RECO_FAULT_NOW() false
#define RECO_FAULT_POLL() ((void) 0)
#define RECO_FAULT_ENTRIES(most) (most)
#define RECO_FAULT_IDS(most) (most)
#define reco_faults_init() ((void) 0)

#endif

#endif /* RECO_PG_FAULT_H */
