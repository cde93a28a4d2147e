/*
 * fortran.h
 *	  The one function of the Fortran run-time library that a static OpenBLAS calls.
 */
#ifndef RECO_CORE_LINEAR_FORTRAN_H
#define RECO_CORE_LINEAR_FORTRAN_H

#include <stddef.h>

/* to, of `size` characters, becomes a followed by b and blanks, cut at its end. */
extern void _gfortran_concat_string(size_t size, char *to, size_t size_a, const char *a,
									size_t size_b, const char *b);

#endif /* RECO_CORE_LINEAR_FORTRAN_H */
