/*
 * fortran.c
 *	  The one function of the Fortran run-time library that a static OpenBLAS calls.
 *
 * LAPACK puts two letters together to ask for a block size.  With this here the
 * linker leaves out libgfortran and libquadmath, which every session would load:
 * half a millisecond of its first call.  An OpenBLAS that needs more of the library
 * still gets it, since it is linked where it is needed.
 *
 * Source: the interface of GCC's libgfortran (_gfortran_concat_string, GCC 8 and
 * later, where lengths are size_t); the meaning of // and of assignment in Fortran,
 * which pads with blanks.
 */
#include "core/linear/fortran.h"

#include <string.h>

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

void
_gfortran_concat_string(size_t size, char *to, size_t size_a, const char *a, size_t size_b,
						const char *b)
{
	size_t from_a = least(size, size_a);
	size_t from_b = least(size - from_a, size_b);

	memcpy(to, a, from_a);
	memcpy(to + from_a, b, from_b);
	memset(to + from_a + from_b, ' ', size - from_a - from_b);
}
